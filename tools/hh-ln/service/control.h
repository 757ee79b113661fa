// Commands that write into the journal while the service has its lock: the command line sends itself, so to speak, to the service, which runs the very
// same function and answers with what that prints. So no command has two forms.
#pragma once
#include "commands.h"
#include "control/server.h"
#include "service/desk.h"

namespace hh::ln {

void add_writers(control::Server& server, const Writers& writers, Desk& desk);

}  // namespace hh::ln
