#include "client_commands.h"

#include <fmt/format.h>

#include <unistd.h>

#include "bans.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/terminal.h"
#include "control/client.h"
#include "json/fields.h"
#include "json/lines.h"
#include "messages.h"
#include "operations.h"
#include "status.h"

namespace hh::pool {
namespace {

bool wants_table(bool as_records) { return !as_records && stdout_is_terminal(); }
void show(const std::string& text) { write_all(STDOUT_FILENO, text, "standard output"); }

using AddRow = void (*)(Table& table, const json::Json& record, int64_t now_ms);

int list(const Settings& s, const json::Json& request, bool as_records, Table table, AddRow add) {
  if (!wants_table(as_records)) {
    ask_pool(s, request, [](const json::Json&, const std::string& line) { json::print_line(line); });
    return 0;
  }
  ask_pool(s, request, [&](const json::Json& record, const std::string&) { add(table, record, system_clock().unix_ms()); });
  show(table.text());
  return 0;
}

// What a `told` record says.
int tell(const Settings& s, const json::Json& request, bool as_records) {
  ask_pool(s, request, [&](const json::Json& r, const std::string& line) {
    if (!wants_table(as_records)) return json::print_line(line);
    const json::Fields f(r);
    show(fmt::format("told {} connections of {} miners\n", f.integer("connections"), f.integer("miners")));
  });
  return 0;
}

}  // namespace

// The socket beside the spool belongs to this pool and no other, so it is tried first.
void ask_pool(const Settings& s, const json::Json& request, const std::function<void(const json::Json&, const std::string&)>& each) {
  auto paths = control_paths(s.text("control"), s.text("spool"), s.text("source"));
  if (paths.empty()) throw Error(Exit::config, "control is off: the pool has no control socket");
  std::string why;
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    bool heard = false;
    try {
      return control::ask(*path, request, [&](const json::Json& record, const std::string& line) {
        heard = true;
        each(record, line);
      });
    } catch (const Error& e) {
      if (e.code() != Exit::unavailable || heard) throw;
      why += (why.empty() ? "" : "; ") + std::string(e.what());
    }
  }
  throw Error(Exit::unavailable, fmt::format("no pool answers: {} (--control names the socket)", why));
}

int notify(const Settings& s) {
  ask_pool(s, {{"command", "notify"}}, [](const json::Json&, const std::string&) {});
  return 0;
}

int show_status(const Settings& s, bool as_records) {
  ask_pool(s, {{"command", "status"}}, [&](const json::Json& record, const std::string& line) { wants_table(as_records) ? show(status_text(record)) : json::print_line(line); });
  return 0;
}

int show_miners(const Settings& s, bool as_records) { return list(s, {{"command", "miners"}}, as_records, miners_table(), add_row); }
int show_miner(const Settings& s, const std::string& miner, bool as_records) {
  return list(s, {{"command", "miner"}, {"miner", miner}}, as_records, miners_table(), add_row);
}

int show_bans(const Settings& s, bool as_records) { return list(s, {{"command", "bans"}}, as_records, bans_table(), add_ban_row); }
int ban(const Settings& s, const std::string& address, int64_t seconds, bool as_records) {
  return list(s, {{"command", "ban"}, {"address", address}, {"seconds", seconds}}, as_records, bans_table(), add_ban_row);
}
int send_message(const Settings& s, const std::string& text, const std::string& miner, bool as_records) {
  json::Json request{{"command", "message"}, {"text", text}};
  if (!miner.empty()) request["miner"] = miner;
  return tell(s, request, as_records);
}
int reconnect(const Settings& s, const std::string& destination, int64_t wait_seconds, const std::string& miner, bool sure, bool as_records) {
  json::Json request{{"command", "reconnect"}};
  if (!miner.empty()) request["miner"] = miner;
  if (destination.empty() && wait_seconds != 0) throw Error(Exit::usage, "--in needs HOST:PORT: miners come back at once where none is given");
  if (!destination.empty()) {
    const auto to = parse_destination(destination);
    if (!sure) throw Error(Exit::usage, fmt::format("this would send miners and their hashrate to {}: --yes if it is meant", destination));
    request["host"] = to.host;
    request["port"] = to.port;
    request["wait"] = wait_seconds;
  }
  return tell(s, request, as_records);
}
int unban(const Settings& s, const std::string& address) {
  ask_pool(s, {{"command", "unban"}, {"address", address}}, [](const json::Json&, const std::string&) {});
  return 0;
}

}  // namespace hh::pool
