#include "basis.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/hex.h"
#include "bitcoin/target.h"
#include "crypto/merkle_log.h"
#include "shares.h"

namespace hh::ledger {
namespace {

records::Work work_of(const StoredShare& s) { return records::Work(static_cast<bitcoin::Uint128>(s.view.work)); }

template <class Each>
void walk(Ledger& ledger, ShareNames& names, const std::vector<CutRef>& cuts, Each each) {
  StoredShare share;
  for (const CutRef& cut : cuts) {
    ShareCursor cursor(ledger.db(), names, cut.source_id, cut.first_seq, cut.last_seq);
    while (cursor.next(share)) each(share);
  }
}

// Takes shares in the order of the leaves.
class Leaves {
 public:
  void add(const StoredShare& share) {
    line_.clear();
    records::put_share_line(line_, share.view);
    tree_.append(line_);
  }
  crypto::Digest root() const { return tree_.root(); }

 private:
  std::string line_;
  crypto::MerkleLog tree_;
};

crypto::Digest root_of(Ledger& ledger, ShareNames& names, const std::vector<CutRef>& cuts) {
  Leaves leaves;
  walk(ledger, names, cuts, [&](const StoredShare& share) { leaves.add(share); });
  return leaves.root();
}

void credit(Basis& basis, const StoredShare& share, records::Work work) {
  auto& miner = basis.miners[share.miner_id];
  if (miner.name.empty()) miner.name = share.view.miner;
  ++miner.shares;
  miner.work += work;
  ++basis.shares;
  basis.work += work;
}

// One source, read backwards.
struct Stream {
  CutRef cut;
  std::unique_ptr<ShareCursor> cursor;
  StoredShare head;
  bool alive = false;
  void advance() { alive = cursor->next(head); }
};

// The newest head: the largest (time_ms, source name, seq). Within a stream seq falls anyway.
Stream* newest(std::vector<Stream>& streams) {
  Stream* best = nullptr;
  for (Stream& s : streams) {
    if (!s.alive) continue;
    if (best == nullptr || std::pair(best->head.view.time_ms, best->cut.source) < std::pair(s.head.view.time_ms, s.cut.source)) best = &s;
  }
  return best;
}

}  // namespace

Basis prop_basis(Ledger& ledger, std::vector<CutRef> cuts, Root root) {
  Basis basis;
  ShareNames names(ledger.db());
  Leaves leaves;
  walk(ledger, names, cuts, [&](const StoredShare& share) {
    credit(basis, share, work_of(share));
    if (root == Root::compute) leaves.add(share);
  });
  basis.cuts = std::move(cuts);
  basis.root = leaves.root();
  return basis;
}

Basis pplns_basis(Ledger& ledger, const std::vector<CutRef>& ends, int64_t factor, uint32_t nbits, Root root) {
  const auto target = bitcoin::Target::from_compact(nbits);
  if (!target) throw Error(Exit::data, "the block's nbits are no valid target");
  const records::Work wanted(bitcoin::work_of(*target).hashes() * static_cast<bitcoin::Uint128>(factor));
  Basis basis;
  basis.window = records::PplnsWindow{factor, wanted, records::Work()};
  ShareNames names(ledger.db());
  std::vector<Stream> streams;
  for (const CutRef& cut : ends) {
    Stream s{cut, std::make_unique<ShareCursor>(ledger.db(), names, cut.source_id, 1, cut.last_seq, ShareCursor::Direction::backward), {}, false};
    s.advance();
    streams.push_back(std::move(s));
  }
  for (Stream& s : streams) s.cut.first_seq = s.cut.last_seq + 1;  // nothing taken yet
  while (basis.work < wanted) {
    Stream* s = newest(streams);
    if (s == nullptr) break;
    const records::Work room(wanted.hashes() - basis.work.hashes());
    const records::Work counted = std::min(work_of(s->head), room);
    credit(basis, s->head, counted);
    basis.window->cut_share_work = counted;
    s->cut.first_seq = s->head.view.seq;
    s->advance();
  }
  for (Stream& s : streams)
    if (!s.cut.empty()) basis.cuts.push_back(s.cut);
  if (root == Root::compute) basis.root = root_of(ledger, names, basis.cuts);
  return basis;
}

void verify_segments(Ledger& ledger, uint64_t round) {
  ShareNames names(ledger.db());
  auto s = ledger.db().statement("SELECT source_id, first_seq, last_seq, root FROM segments WHERE round_id = ?1");
  s.bind_all(round);
  while (s.step()) {
    const CutRef segment{s.int64(0), "", static_cast<uint64_t>(s.int64(1)), static_cast<uint64_t>(s.int64(2))};
    if (to_hex(root_of(ledger, names, {segment})) != s.text(3))
      throw Error(Exit::data, fmt::format("round {}: the shares {} to {} of source {} are not those that arrived: their Merkle root is another", round,
                                          s.int64(1), s.int64(2), names.source(s.int64(0))));
  }
}

}  // namespace hh::ledger
