// Core Lightning's answers: whatever comes, never a crash, and never a claim without what it rests on.
#include <string_view>

#include "backends/cln_answers.h"
#include "claims.h"

namespace {

using namespace hh::ln;

const std::string hash(64, 'a');

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const long status : {201L, 401L, 500L}) {
    const XpayAnswer paid = read_xpay(body, status);
    check(paid.report.evidence != Evidence::not_found && (status == cln_success || paid.report.evidence != Evidence::settled));
    check(paid.look == (status != cln_success && paid.report.evidence != Evidence::unknown));
    const Report list = read_listpays(body, status, hash);
    check(status == cln_success || list.evidence == Evidence::unknown);
    check(list.evidence != Evidence::failed || body.find("failed") != body.npos || body.find('\\') != body.npos);
    check(after_look(paid.report, list).evidence != Evidence::not_found);
    no_crash([&] { read_cln_getinfo(body, status); });
    no_crash([&] { read_cln_has_htlc(body, status, {}); });
    no_crash([&] {
      const auto parts = read_listsendpays(body, status);
      check(payments_of(parts).size() <= parts.size());
    });
  }
  return 0;
}
