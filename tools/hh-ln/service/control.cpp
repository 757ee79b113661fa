#include "service/control.h"

#include "base/error.h"
#include "base/log.h"
#include "control/client.h"
#include "json/fields.h"
#include "json/lines.h"
#include "service/desk.h"
#include "service/settings.h"
#include "writing.h"

namespace hh::ln {
namespace {

constexpr int64_t patience_ms = 300'000;  // an audit reads the node's whole list

struct LockIsHeld {
  LockIsHeld() { Writing::lock_is_held = true; }
  ~LockIsHeld() { Writing::lock_is_held = false; }
};

json::Json exit_record(int code) {
  json::Json r = json::make_record("exit");
  r["exit_code"] = code;
  return r;
}

}  // namespace

void add_writers(control::Server& server, const Writers& writers, Desk& desk) {
  for (const auto& writer : writers)
    server.on(writer.first, [name = writer.first, run = writer.second, &desk](const json::Fields& request, std::string& answer) {
      const LockIsHeld held;
      const std::lock_guard reading(desk.settings);
      int code = 0;
      {
        const json::PrintTo sink(answer);
        code = run(request.object("options"));
      }
      json::Json options = request.object("options");
      for (const char* sealed : {"invoice", "address"})  // what the journal may seal, the log does not show either
        if (options.contains(sealed) && options[sealed] != "") options[sealed] = "…";
      log::info("command", {{"name", name}, {"options", json::to_line(options)}, {"exit_code", code}});
      desk.look_again();
      answer += json::to_line(exit_record(code)) + "\n";
    });
}

int write_command(const Settings& settings, const std::string& name, const json::Json& options, const Writers& writers) {
  if (settings.text("control") != "off") try {
      int code = 0;
      control::ask(control_path(settings), {{"command", name}, {"options", options}},
                   [&](const json::Json& record, const std::string& line) {
                     if (json::record_type(record) == "exit")
                       code = static_cast<int>(json::Fields(record).integer("exit_code", 0, 255));
                     else
                       json::print_line(line);
                   },
                   patience_ms);
      return code;
    } catch (const Error& e) {
      if (e.code() != Exit::unavailable || std::string_view(e.what()).find("nobody listens") == std::string_view::npos) throw;
    }
  return writers.at(name)(options);
}

int pause_command(const Settings& settings, const std::string& why) {
  Writing w(settings);
  pause(w.journal, why, operator_of_process(), system_clock());
  return 0;
}

int resume_command(const Settings& settings, const std::string& why) {
  Writing w(settings);
  resume(w.journal, why, operator_of_process());
  return 0;
}

}  // namespace hh::ln
