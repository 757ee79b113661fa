#include "messages.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "http/url.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::pool {
namespace {

constexpr size_t longest_host = 253;

std::string miner_of(const json::Fields& request) { return request.optional_text("miner", records::max_name).value_or(""); }

std::string told_line(const char* what, const std::string& miner, Pool::Told told) {
  if (told.connections == 0 && !miner.empty()) throw Error(Exit::no_input, fmt::format("no connection works for \"{}\"", miner));
  json::Json r = json::make_record("told");
  r["command"] = what;
  r["connections"] = told.connections;
  r["miners"] = told.miners;
  return json::to_line(r) + "\n";
}

}  // namespace

Destination parse_destination(const std::string& text) {
  const auto url = http::parse_url("http://" + text);
  if (!url || !url->port_given || url->port == 0 || url->path != "/" || !url->query.empty() || text.back() == '/' || url->host.size() > longest_host)
    throw Error(Exit::usage, fmt::format("\"{}\" is not HOST:PORT", text));
  return {url->host, url->port};
}

void add_message_commands(control::Server& control, const control::LoopCall& on_loop, Pool& pool) {
  control.on("message", [&](const json::Fields& request, std::string& answer) {
    const std::string text = request.text("text", longest_message), miner = miner_of(request);
    if (text.empty() || std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }))
      throw Error(Exit::data, "a message is one line of text");
    answer += told_line("message", miner, on_loop([&] { return pool.show_message(text, miner); }));
  });
  control.on("reconnect", [&](const json::Fields& request, std::string& answer) {
    const std::string host = request.optional_text("host", longest_host).value_or(""), miner = miner_of(request);
    const auto port = static_cast<uint16_t>(host.empty() ? 0 : request.integer("port", 1, 65'535));
    const auto wait = static_cast<uint32_t>(host.empty() ? 0 : request.integer("wait", 0, longest_reconnect_wait_s));
    answer += told_line("reconnect", miner, on_loop([&] { return pool.reconnect(host, port, wait, miner); }));
  });
}

}  // namespace hh::pool
