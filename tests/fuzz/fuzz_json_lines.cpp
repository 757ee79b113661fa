// The readers of share lines. For every input: the fast reader accepts only what the strict reader accepts, with the same values, and only
// lines that the writer prints byte for byte; whatever the strict reader accepts is written as a line that both read back alike.
// Readers of the other records throw nothing but Error, and what they accept is read back alike.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "records/block.h"
#include "records/job.h"
#include "records/miner.h"
#include "records/round.h"
#include "records/share.h"

using namespace hh;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Read>
void may_refuse(const json::Json& record, Read read) {
  try {
    read(record);
  } catch (const Error& e) {
    require(e.code() == Exit::data);
  }
}

void check_share(std::string_view line, const json::Json* record) {
  const auto fast = records::scan_share(line);
  if (fast) {
    require(record != nullptr);
    const records::Share strict = records::parse_share(*record);  // must not throw
    require(records::to_share(*fast) == strict);
    require(records::share_line(strict) == line);
  } else if (record != nullptr) {
    may_refuse(*record, [](const json::Json& r) {
      const records::Share share = records::parse_share(r);
      const std::string canonical = records::share_line(share);
      require(records::parse_share(json::parse(canonical)) == share);
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  json::Json record;
  bool parsed = false;
  try {
    record = json::parse(line);
    parsed = true;
  } catch (const Error& e) {
    require(e.code() == Exit::data);
  }
  check_share(line, parsed ? &record : nullptr);
  if (!parsed) return 0;
  may_refuse(record, [](const json::Json& r) { require(records::parse_job(json::parse(records::job_line(records::parse_job(r)))) == records::parse_job(r)); });
  may_refuse(record, [](const json::Json& r) { require(records::parse_block(json::parse(records::block_line(records::parse_block(r)))) == records::parse_block(r)); });
  may_refuse(record, [](const json::Json& r) { require(records::parse_miner(json::parse(records::miner_line(records::parse_miner(r)))) == records::parse_miner(r)); });
  may_refuse(record, [](const json::Json& r) { records::parse_round(r); });
  may_refuse(record, [](const json::Json& r) { records::parse_cycle(r); });
  return 0;
}
