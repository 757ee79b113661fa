// What every daemon does the same way: stop on SIGTERM or SIGINT, reload on SIGHUP, tell systemd how it is (sd_notify(3) protocol).
#pragma once
#include <string_view>

namespace hh {

// Installs handlers that only set flags. Loops look at the flags; blocking calls return EINTR (no SA_RESTART).
void install_signal_flags();
bool stop_requested();
bool take_reload_request();  // true once per SIGHUP
void request_stop();         // as a signal would; for tests and for a peer thread that failed

// Sends e.g. "READY=1" to $NOTIFY_SOCKET; nothing where that is unset.
void notify_service_manager(std::string_view state);

}  // namespace hh
