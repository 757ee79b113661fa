#include "share_maker.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "bitcoin/merkle.h"

namespace hh::load {

namespace v1 = stratum::v1;

namespace {

constexpr std::string_view line_start = "{\"id\":0";  // of a submit with id 0

bitcoin::Hash256 merkle_root(const v1::Notify& job, BytesView extranonce1, BytesView extranonce2) {
  bitcoin::Sha256 coinbase;
  coinbase.update(job.coinbase1).update(extranonce1).update(extranonce2).update(job.coinbase2);
  return bitcoin::root_from_branch(coinbase.finish_double(), job.branch);
}

void put_hex8(std::string& out, uint32_t n) {
  static constexpr char digits[] = "0123456789abcdef";
  char text[8];
  for (int i = 7; i >= 0; --i, n >>= 4) text[i] = digits[n & 15];
  out.append(text, sizeof text);
}

}  // namespace

ShareMaker::ShareMaker(const v1::Notify& job, const Miner& miner, uint64_t extranonce2) : target_(miner.target) {
  Bytes e2(miner.extranonce2_size);
  for (size_t i = e2.size(); i-- > 0; extranonce2 >>= 8) e2[i] = static_cast<uint8_t>(extranonce2);
  header_.version = miner.version_mask ? job.version & ~*miner.version_mask : job.version;
  header_.prev_hash = job.prev_hash;
  header_.merkle_root = merkle_root(job, miner.extranonce1, e2);
  header_.time = job.ntime;
  header_.bits = job.bits;

  const auto bytes = header_.serialize();
  first_block_.update(BytesView(bytes).first(64));
  std::copy(bytes.begin() + 64, bytes.end(), rest_.begin());

  v1::SubmitText text{miner.user, job.job, e2, job.ntime, 0, std::nullopt};
  if (miner.version_mask) text.version_bits = 0;
  const std::string line = v1::submit_line(0, text);
  const size_t tail = miner.version_mask ? std::strlen("\",\"00000000\"]}\n") : std::strlen("\"]}\n");
  before_nonce_ = line.substr(line_start.size(), line.size() - line_start.size() - tail - 8);
  after_nonce_ = line.substr(line.size() - tail);
}

bool ShareMaker::put_submit(std::string& out, uint64_t id, uint64_t most_hashes) {
  for (uint64_t tries = 0; tries < most_hashes && next_nonce_ <= UINT32_MAX; ++tries) {
    const auto nonce = static_cast<uint32_t>(next_nonce_++);
    for (size_t i = 0; i < 4; ++i) rest_[12 + i] = static_cast<uint8_t>(nonce >> (8 * i));
    bitcoin::Sha256 hash = first_block_;
    ++hashes_;
    if (!target_.met_by(hash.update(rest_).finish_double())) continue;
    header_.nonce = nonce;
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, id);
    static_cast<void>(error);
    out.append(line_start.substr(0, line_start.size() - 1)).append(digits, end).append(before_nonce_);
    put_hex8(out, nonce);
    out.append(after_nonce_);
    return true;
  }
  return false;
}

}  // namespace hh::load
