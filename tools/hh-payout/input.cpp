#include "input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::payout {
namespace {

using json::Json;

// An input of lines that may be as long as a manifest of many miners.
class Input {
 public:
  explicit Input(const std::string& path)
      : file_(path == standard_input ? FileHandle(::dup(STDIN_FILENO)) : open_file(path, O_RDONLY)),
        reader_(file_.get(), path == standard_input ? "standard input" : path, max_manifest_line) {}
  bool next(std::string_view& line) { return reader_.next(line); }
  std::string where() const { return reader_.where(); }
  const std::string& name() const { return reader_.name(); }

 private:
  FileHandle file_;
  json::LineReader reader_;
};

// Runs body and puts the line's place in front of what it throws.
template <class Body>
auto at(const Input& in, Body body) -> decltype(body()) try {
  return body();
} catch (const Error& e) {
  throw e.in(in.where());
}

void require_end(Input& in) {
  std::string_view line;
  if (in.next(line)) throw Error(Exit::data, fmt::format("{}: expected one record, here is another", in.where()));
}

[[noreturn]] void empty(const Input& in, std::string_view expected) {
  throw Error(Exit::data, fmt::format("{} is empty: expected {}", in.name(), expected));
}

Manifest read_lines(Input& in, const Json& head) {
  std::vector<Json> lines;
  std::string_view line;
  while (in.next(line)) at(in, [&] { lines.push_back(json::parse(line)); });
  try {
    Payout p = payout_from_records(head, lines);
    std::string bytes = manifest_bytes(p);
    std::string id = manifest_id(bytes);
    return {std::move(p), std::move(bytes), std::move(id)};
  } catch (const Error& e) {
    throw e.in(in.name());
  }
}

}  // namespace

Policy policy_of(const Settings& s) {
  if (!s.is_set("policy")) return Policy{};
  // Standard input has been read to its end when the policy is wanted, and an empty policy is the default one: nobody would notice.
  if (s.text("policy") == standard_input) throw Error(Exit::config, fmt::format("policy ({}) is a file, not standard input", s.origin("policy")));
  return load_policy(s.text("policy"));
}

std::variant<records::Round, records::Cycle> read_round_or_cycle(const std::string& path) {
  Input in(path);
  std::string_view line;
  if (!in.next(line)) empty(in, "a round or cycle record, as `hh-ledger round R` prints it");
  std::variant<records::Round, records::Cycle> result;
  at(in, [&] {
    const Json record = json::parse(line);
    const std::string type = json::record_type(record);
    if (type == "round")
      result = records::parse_round(record);
    else if (type == "cycle")
      result = records::parse_cycle(record);
    else
      throw Error(Exit::data, fmt::format("expected a round or cycle record, is \"{}\"", type));
  });
  require_end(in);
  return result;
}

PayoutInput read_payout(const std::string& path) {
  Input in(path);
  std::string_view line;
  if (!in.next(line)) empty(in, "a payout, a manifest or a signed manifest");
  if (!line.starts_with("{")) {
    const std::string signed_line(line);
    return at(in, [&] { return PayoutInput{payload_of(read_signed_manifest(signed_line)), signed_line}; });
  }
  const std::string first(line);
  const Json record = at(in, [&] { return json::parse(first); });
  const std::string type = at(in, [&] { return json::record_type(record); });
  if (type == "payout") return {read_lines(in, record), ""};
  PayoutInput result = at(in, [&] {
    if (type == "manifest") return PayoutInput{parse_manifest(first), ""};
    if (type == "signed_manifest") return PayoutInput{payload_of(read_signed_manifest(first)), first};
    throw Error(Exit::data, fmt::format("expected a payout, a manifest or a signed_manifest, is \"{}\"", type));
  });
  require_end(in);
  return result;
}

crypto::KeySet read_keys(const std::string& file_or_key) {
  constexpr size_t key_text = 43;  // base64url of 32 bytes
  if (file_or_key.size() != key_text || std::filesystem::exists(file_or_key)) return crypto::KeySet::load(file_or_key);
  return {crypto::VerifyKey::parse(file_or_key, "--key")};
}

std::string read_only_line(const std::string& path) {
  Input in(path);
  std::string_view line;
  if (!in.next(line)) empty(in, "one line");
  std::string only(line);
  require_end(in);
  return only;
}

void require_chain(const Settings& s, records::Network chain) {
  if (!s.is_set("chain")) return;
  const auto wanted = bitcoin::network_from_name(s.text("chain"));
  if (!wanted) throw Error(Exit::config, fmt::format("chain \"{}\" ({}) must be main, testnet4, signet, regtest or dev", s.text("chain"), s.origin("chain")));
  if (*wanted != chain)
    throw Error(Exit::config, fmt::format("the input is of chain {}, the setting chain ({}) says {}", bitcoin::network_name(chain), s.origin("chain"),
                                          s.text("chain")));
}

}  // namespace hh::payout
