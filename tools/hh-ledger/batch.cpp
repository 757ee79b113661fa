#include "batch.h"

#include <cstring>

#include "base/error.h"
#include "crypto/merkle_log.h"
#include "json/fields.h"
#include "json/strict.h"

namespace hh::ledger {
namespace {

constexpr size_t most_workers = 200'000;

void add_share(Batch& batch, Item& item, const records::ShareView& share, WorkerNumbers& workers) {
  item.share = share;
  item.worker = workers.number_of(share);
  if (!batch.items.empty()) {
    const Item& before = batch.items.back();
    item.as_before = before.kind == Item::Kind::share && before.share.source == share.source && before.share.job == share.job;
  }
  batch.items.push_back(item);
}

// Everything that is no canonical share line.
void parse_other(Batch& batch, Item& item, std::string_view line, WorkerNumbers& workers) {
  const json::Json record = json::parse(line);
  const std::string type = json::record_type(record);
  if (type == "share") {
    const auto& share = batch.spelled_otherwise.emplace_back(records::parse_share(record));
    item.leaf = crypto::leaf_hash(records::share_line(share));
    return add_share(batch, item, records::view_of(share), workers);
  }
  if (type == "job") {
    item.kind = Item::Kind::job;
    item.index = batch.jobs.size();
    batch.jobs.push_back(records::parse_job(record));
  } else if (type == "block") {
    item.kind = Item::Kind::block;
    item.index = batch.blocks.size();
    batch.blocks.push_back(records::parse_block(record));
  } else {
    ++batch.ignored;  // pool, submission …: not for the ledger
    return;
  }
  batch.items.push_back(item);
}

void add_bad(Batch& batch, Item& item, std::string why) {
  item.kind = Item::Kind::bad;
  item.index = batch.bad.size();
  batch.bad.push_back(std::move(why));
  batch.items.push_back(item);
}

void parse_line(Batch& batch, Item& item, std::string_view line, WorkerNumbers& workers) {
  if (const auto share = records::scan_share(line)) {
    item.leaf = crypto::leaf_hash(line);
    return add_share(batch, item, *share, workers);
  }
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  try {
    parse_other(batch, item, line, workers);
  } catch (const Error& e) {
    add_bad(batch, item, e.what());
  }
}

}  // namespace

uint32_t WorkerNumbers::number_of(const records::ShareView& share) {
  key_.assign(share.miner).append(1, '\0').append(share.worker).append(1, '\0').append(share.address);
  key_ += static_cast<char>('0' + static_cast<int>(share.fee_to) * 2 + (share.simulated ? 1 : 0));
  return numbers_.try_emplace(key_, static_cast<uint32_t>(numbers_.size())).first->second;
}

uint64_t WorkerNumbers::numbering() {
  if (numbers_.size() < most_workers) return numbering_;
  numbers_.clear();
  return ++numbering_;
}

Batch parse_chunk(Chunk chunk, WorkerNumbers& workers) {
  Batch batch;
  batch.numbering = workers.numbering();
  batch.chunk = std::move(chunk);
  const std::string_view text = batch.chunk.text;
  batch.items.reserve(text.size() / 256 + 1);
  Item item;
  if (batch.chunk.too_long) add_bad(batch, item, "the line is longer than 1 MiB");
  uint32_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const void* found = std::memchr(text.data() + at, '\n', text.size() - at);
    const size_t end = found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
    item = Item();
    item.at = static_cast<uint32_t>(at);
    item.line = number++;
    parse_line(batch, item, text.substr(at, end - at), workers);
    if (found == nullptr && !batch.items.empty() && batch.items.back().kind == Item::Kind::bad && batch.items.back().line == item.line)
      batch.bad.back() += " (the input ends in the middle of this line)";
    at = end + 1;
  }
  return batch;
}

}  // namespace hh::ledger
