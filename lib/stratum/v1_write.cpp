#include <fmt/format.h>

#include "stratum/v1.h"

namespace hh::stratum::v1 {

std::string hex8(uint32_t n) { return fmt::format("{:08x}", n); }

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append({'\\', c});
    else if (u < 0x20 || u >= 0x7f)
      out += fmt::format("\\u{:04x}", u);
    else
      out += c;
  }
  return out += '"';
}

std::string result_line(const Id& id, std::string_view result_json) {
  return fmt::format("{{\"id\":{},\"result\":{},\"error\":null}}\n", id, result_json);
}

std::string error_line(const Id& id, Code code, std::string_view text) {
  return fmt::format("{{\"id\":{},\"result\":null,\"error\":[{},{},null]}}\n", id, static_cast<int>(code), quote(text));
}

std::string subscribe_result(const Id& id, BytesView extranonce1, size_t extranonce2_size) {
  const std::string e1 = to_hex(extranonce1);
  return result_line(id, fmt::format(R"([[["mining.set_difficulty","{0}"],["mining.notify","{0}"]],"{0}",{1}])", e1, extranonce2_size));
}

std::string configure_result(const Id& id, const Configure& asked, std::optional<uint32_t> granted_mask) {
  std::string members;
  const auto add = [&](std::string_view text) { members.append(members.empty() ? "" : ",").append(text); };
  if (asked.version_rolling && granted_mask)
    add(fmt::format(R"("version-rolling":true,"version-rolling.mask":"{:08x}")", *granted_mask));
  else if (asked.version_rolling)
    add(R"("version-rolling":false)");
  if (asked.minimum_difficulty) add(R"("minimum-difficulty":true)");
  if (asked.subscribe_extranonce) add(R"("subscribe-extranonce":true)");
  if (asked.info) add(R"("info":true)");
  return result_line(id, "{" + members + "}");
}

std::string set_difficulty_line(bitcoin::Difficulty d) {
  return fmt::format("{{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[{}]}}\n", d.to_text());
}

std::string set_version_mask_line(uint32_t mask) {
  return fmt::format("{{\"id\":null,\"method\":\"mining.set_version_mask\",\"params\":[\"{:08x}\"]}}\n", mask);
}

std::string show_message_line(std::string_view text) {
  return fmt::format("{{\"id\":null,\"method\":\"client.show_message\",\"params\":[{}]}}\n", quote(text));
}

namespace {

// Stratum sends the previous hash as eight 32-bit words, each with its bytes reversed against the header's order.
std::string word_swapped_hex(const bitcoin::Hash256& h) {
  bitcoin::Hash256 out;
  for (size_t i = 0; i < 32; ++i) out.bytes[i] = h.bytes[(i & ~size_t{3}) | (3 - (i & 3))];
  return to_hex(out.view());
}

std::string request(int64_t id, std::string_view method, std::string_view params) {
  return fmt::format("{{\"id\":{},\"method\":\"{}\",\"params\":[{}]}}\n", id, method, params);
}

}  // namespace

std::string reconnect_line(std::string_view host, uint16_t port, uint32_t wait_seconds) {
  const std::string params = host.empty() ? "" : fmt::format("{},{},{}", quote(host), port, wait_seconds);
  return fmt::format("{{\"id\":null,\"method\":\"client.reconnect\",\"params\":[{}]}}\n", params);
}

std::string get_version_line(int64_t id) { return request(id, "client.get_version", ""); }
std::string ping_line(int64_t id) { return request(id, "mining.ping", ""); }

NotifyHalves notify_halves(std::string_view job, const bitcoin::Hash256& prev_hash, BytesView coinbase1,
                           const std::vector<bitcoin::Hash256>& branch, uint32_t version, uint32_t bits, uint32_t ntime, bool clean) {
  NotifyHalves n;
  n.first = fmt::format(R"({{"id":null,"method":"mining.notify","params":[{},"{}","{}",")", quote(job), word_swapped_hex(prev_hash), to_hex(coinbase1));
  n.second = "\",[";
  for (size_t i = 0; i < branch.size(); ++i) n.second += fmt::format("{}\"{}\"", i == 0 ? "" : ",", to_hex(branch[i].view()));
  n.second += fmt::format("],\"{:08x}\",\"{:08x}\",\"{:08x}\",{}]}}\n", version, bits, ntime, clean);
  return n;
}

std::string subscribe_line(int64_t id, std::string_view user_agent) { return request(id, "mining.subscribe", quote(user_agent)); }

std::string configure_line(int64_t id, uint32_t mask) {
  return request(id, "mining.configure",
                 fmt::format(R"(["version-rolling"],{{"version-rolling.mask":"{:08x}","version-rolling.min-bit-count":2}})", mask));
}

std::string authorize_line(int64_t id, std::string_view user, std::string_view password) {
  return request(id, "mining.authorize", quote(user) + "," + quote(password));
}

std::string suggest_difficulty_line(int64_t id, bitcoin::Difficulty d) { return request(id, "mining.suggest_difficulty", d.to_text()); }

std::string submit_line(int64_t id, const SubmitText& s) {
  std::string params = fmt::format(R"({},{},"{}","{:08x}","{:08x}")", quote(s.user), quote(s.job), to_hex(s.extranonce2), s.ntime, s.nonce);
  if (s.version_bits) params += fmt::format(",\"{:08x}\"", *s.version_bits);
  return request(id, "mining.submit", params);
}

}  // namespace hh::stratum::v1
