// hh-payout explain.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "input.h"
#include "json/fields.h"
#include "json/lines.h"
#include "payout/explain.h"
#include "payout/instant.h"

namespace hh::payout {
namespace {

// With --key the signature counts as well: an explanation of a forged manifest would be worse than none.
PayoutInput read_checked(const Options& o) {
  PayoutInput in = read_payout(o.input);
  if (o.public_key.empty()) return in;
  if (in.signed_line.empty()) throw Error(Exit::usage, "--key is for a signed manifest, this input is not signed");
  const int64_t now = o.at.empty() ? system_clock().unix_seconds() : parse_instant(o.at, "--at");
  verify_signed_or_throw(in.signed_line, read_keys(o.public_key), now);
  return in;
}

std::vector<std::string> explain_absent_node(const Options& o, const Payout& p) {
  const auto nodes = read_nodes(o.nodes);
  const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const NodeFacts& n) { return "node:" + n.node == o.account; });
  if (node == nodes.end()) throw Error(Exit::data, fmt::format("{} is neither in the payout nor in {}", o.account, o.nodes));
  return explain_node(p, *node);
}

std::vector<std::string> explain_any(const Options& o, const Payout& p) {
  if (!o.nodes.empty() && p.kind == PayoutKind::cycle && p.find(o.account) == nullptr) return explain_absent_node(o, p);
  return explain_account(p, o.account);
}

}  // namespace

int explain(const Options& o, const Settings&) {
  const PayoutInput in = read_checked(o);
  const std::string text = fmt::format("{}", fmt::join(explain_any(o, in.manifest.payout), "\n"));
  if (!o.json) {
    write_all(STDOUT_FILENO, text + "\n", "standard output");
    return 0;
  }
  json::Json record = json::make_record("explanation");
  record["account"] = o.account;
  record["text"] = text;
  json::print(record);
  return 0;
}

}  // namespace hh::payout
