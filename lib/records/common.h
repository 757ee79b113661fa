// What several records share: chain, where fees go, cuts, and the checks of names and numbers.
//
// hh-records(5) is the contract. Each record has a struct, a strict reader (parse_…, throws Error(data) naming the field) and one
// canonical text (…_line, without newline): fields in the order of the man page, no spaces. Two writers of a record give the same bytes.
// `simulated` is true exactly where a simulated part (hh-devchain, the simulated wallet) had a hand in it; on chain "dev" it must be.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.h"
#include "bitcoin/address.h"
#include "bitcoin/work.h"
#include "json/strict.h"

namespace hh::json {
class Fields;
}

namespace hh::records {

using bitcoin::Network;
using bitcoin::Work;
using json::Json;

inline constexpr size_t max_name = 128;                    // bytes of a source, miner or worker name
inline constexpr uint64_t max_seq = (uint64_t{1} << 40) - 1;  // of one source: 34 years at 1,000 shares a second

// Who gets a block's transaction fees: the finder's own coinbase output, or the finder through the manifest.
enum class FeeTo : uint8_t { coinbase, manifest };
std::string_view name(FeeTo f);

// A run of one source's records that belong to a round. Both ends are included; the shares in it count, a block record in it does not.
struct Cut {
  std::string source;
  uint64_t first_seq = 1;
  uint64_t last_seq = 0;  // first_seq - 1: nothing
  bool operator==(const Cut&) const = default;
};
std::vector<Cut> parse_cuts(const Json& array);
Json to_json(const std::vector<Cut>& cuts);

// Miner (account) names: 1 to 128 printable ASCII characters without space. An alias has no dot (it would end the name in Stratum);
// neither has any address, so the rule is the same for both.
bool is_miner_name(std::string_view text);
bool is_worker_name(std::string_view text);  // 0 to 128 bytes of UTF-8 without control characters
bool is_source_name(std::string_view text);  // as a miner's, dots allowed: host names serve

// Readers of the common fields; errors name the field.
Network chain_field(const json::Fields& f);
FeeTo fee_to_field(const json::Fields& f);
// Where a block's finder gets its subsidy too (solo): `subsidy_to` "miner" and `treasury_sat`, what the treasury keeps; neither: the treasury gets the subsidy.
std::optional<Sat> treasury_keeps_field(const json::Fields& f, Sat reward);
void put_treasury_keeps(Json& record, std::optional<Sat> keeps);
bool simulated_field(const json::Fields& f);
std::string source_field(const json::Fields& f);
std::string miner_field(const json::Fields& f);
std::string worker_field(const json::Fields& f);
uint64_t seq_field(const json::Fields& f, const char* field);
uint32_t hex32_field(const json::Fields& f, const char* field);  // 8 lower-case hex digits, big-endian
Work work_field(const json::Fields& f, const char* field);
// Throws Error(data) where chain is dev and the record is not marked as simulated.
void require_simulated_on_dev(Network chain, bool simulated);

std::string hex32(uint32_t n);
// Appends text as a JSON string with its quotes; only '"' and '\' need escaping, since names have no control characters.
void put_json_string(std::string& out, std::string_view text);

}  // namespace hh::records
