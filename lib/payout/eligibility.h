// Which nodes share in the node pool at the end of a 7-day cycle, and why the others do not. [C071][L025]
//
// A node is eligible when it was up for at least 95 % of the cycle, has a channel to the treasury and, where it serves its own block
// templates, its bitcoind is synced. Uptime is counted in samples of 5 seconds: 120,960 in 7 days. Samples that are missing count as down, so
// a node that joins late or loses its reports is not better off than one that was seen to be down. Integers only: 114,912 samples are
// exactly 95 % and are enough, 114,911 are not.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/strict.h"
#include "records/destination.h"

namespace hh::payout {

using records::Destination;
using records::DestinationKind;
using records::kind_name;
using records::kind_from_name;

inline constexpr int64_t sample_seconds = 5;
inline constexpr int64_t cycle_seconds = 7 * 24 * 3600;
inline constexpr int64_t samples_per_cycle = cycle_seconds / sample_seconds;
static_assert(samples_per_cycle == 120'960);
inline constexpr int64_t required_uptime_percent = 95;

// 1 to 128 printable ASCII characters without spaces.
bool is_node_name(std::string_view text);

// A `node` record.
struct NodeFacts {
  std::string node;  // is_node_name
  int64_t samples_up = 0;
  int64_t samples_total = 0;  // >= samples_up
  int64_t treasury_channels = 0;
  bool local_template_provider = false;
  bool bitcoind_synced = false;
  std::optional<Destination> destination;
};

enum class Ineligible { uptime, no_treasury_channel, bitcoind_not_synced };
std::string_view reason_name(Ineligible reason);

// Empty: eligible. The reasons in the order of the enumeration.
std::vector<Ineligible> why_ineligible(const NodeFacts& n);
inline bool is_eligible(const NodeFacts& n) { return why_ineligible(n).empty(); }
// One sentence for people, with the numbers: "uptime 114911 of 120960 samples, 114912 are needed (95 %)".
std::string describe(Ineligible reason, const NodeFacts& n);

// Throws Error(data) naming the field.
NodeFacts node_from_record(const json::Json& record);
json::Json to_record(const NodeFacts& n);
// All node records of a file of JSON lines ("-": standard input), sorted by name. A node that is named twice is Error(data).
std::vector<NodeFacts> read_nodes(const std::string& path);

}  // namespace hh::payout
