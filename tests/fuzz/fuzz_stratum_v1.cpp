// Stratum V1 lines from strangers, in both directions. Nothing may crash; what is read as a share must survive being written and read again.
#include <cstdlib>
#include <string>

#include "stratum/v1.h"

namespace {

using namespace hh::stratum::v1;

void require(bool ok) {
  if (!ok) std::abort();
}

void submit_again(Parser& parser, const Submit& s) {
  const auto extranonce2 = hh::from_hex(s.extranonce2);
  if (!extranonce2) return;
  for (const char c : std::string(s.user) + std::string(s.job))
    if (static_cast<unsigned char>(c) >= 0x7f) return;  // quote() writes such bytes as Latin-1, on purpose
  const std::string user(s.user), job(s.job);
  const Submit before = s;
  std::string line = submit_line(1, {user, job, *extranonce2, s.ntime, s.nonce, s.version_bits});
  line.pop_back();
  if (line.size() > max_line) return;
  const auto parsed = parser.request(line);
  const auto* request = std::get_if<Request>(&parsed.value);
  require(request != nullptr && std::holds_alternative<Submit>(*request));
  const Submit& after = std::get<Submit>(*request);
  require(after.user == user && after.job == job && after.ntime == before.ntime && after.nonce == before.nonce && after.version_bits == before.version_bits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Parser requests, again, answers;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto parsed = requests.request(line);
  require(parsed.id.size() <= 64);
  if (const auto* request = std::get_if<Request>(&parsed.value))
    if (const auto* submit = std::get_if<Submit>(request)) submit_again(again, *submit);
  const auto message = answers.server_message(line);
  require(message.id.size() <= 64);
  return 0;
}
