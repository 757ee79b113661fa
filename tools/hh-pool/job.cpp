#include "job.h"

#include <fmt/format.h>

#include "bitcoin/merkle.h"
#include "bitcoin/wire.h"

namespace hh::pool {

namespace v1 = stratum::v1;

std::string JobMaker::id(uint64_t number) const { return fmt::format("{:x}{:06x}", config_.run, number); }

bool JobMaker::was_ours(std::string_view text, uint64_t last_number) const {
  const std::string start = fmt::format("{:x}", config_.run);
  if (!text.starts_with(start) || text.size() < start.size() + 6) return false;
  uint64_t number = 0;
  for (const char c : text.substr(start.size())) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0 || number >> 56 != 0) return false;
    number = number << 4 | static_cast<uint64_t>(digit);
  }
  return number >= 1 && number <= last_number && text == id(number);
}

std::shared_ptr<const Job> JobMaker::make(std::shared_ptr<const bitcoin::BlockTemplate> t, bool new_tip, int64_t now_ms) {
  auto job = std::make_shared<Job>();
  job->number = made_ + 1;
  const std::string name = id(job->number);
  const auto unique = bitcoin::sha256(as_bytes(config_.source + "/" + name));

  bitcoin::CoinbaseInputs in;
  in.height = t->height;
  in.aux = t->coinbase_aux;
  in.pool_tag = config_.pool_tag + std::string(as_text(BytesView(unique.bytes).first(8)));
  in.extranonce_size = extranonce1_size + extranonce2_size;
  in.subsidy = t->subsidy;
  in.fees = t->fees;
  in.treasury_script = config_.treasury_script;
  in.witness_commitment_script = t->witness_commitment_script;
  job->coinbase = bitcoin::build_coinbase(in);

  records::Job& r = job->record;
  r.source = config_.source;
  r.job = name;
  r.time_ms = now_ms;
  r.chain = config_.chain;
  r.simulated = config_.chain == bitcoin::Network::dev;
  r.height = t->height;
  r.prev_hash = t->prev_hash;
  r.version = t->version;
  r.nbits = t->bits;
  r.ntime = t->curtime;
  r.subsidy = t->subsidy;
  r.fees = t->fees;
  r.coinbase_prefix = job->coinbase.prefix;
  r.coinbase_suffix_treasury = job->coinbase.treasury_suffix;
  r.coinbase_suffix_head = job->coinbase.finder_head;
  r.coinbase_suffix_tail = job->coinbase.finder_tail;
  r.extranonce1_size = extranonce1_size;
  r.extranonce2_size = extranonce2_size;
  r.merkle_branch = t->merkle_branch();
  r.tx_count = static_cast<uint32_t>(t->transactions.size() + 1);

  job->new_tip = new_tip;
  job->least_time = t->mintime;
  job->most_time = t->curtime + max_time_ahead;
  job->most_difficulty = bitcoin::difficulty_within(t->target).for_wire();
  job->notify = v1::notify_halves(name, t->prev_hash, r.coinbase_prefix, r.merkle_branch, t->version, t->bits, t->curtime, new_tip);
  job->block_template = std::move(t);
  ++made_;
  return job;
}

LiveJob::LiveJob(std::shared_ptr<const Job> job) : job_(std::move(job)) { prefix_hashed_.update(job_->coinbase.prefix); }

records::FeeTo LiveJob::fee_to(BytesView script) const {
  return bitcoin::fees_can_go_to(job_->coinbase, script) ? records::FeeTo::coinbase : records::FeeTo::manifest;
}

std::string_view LiveJob::suffix_hex(BytesView script) { return suffix_hex_ = to_hex(suffix(script)); }

bitcoin::Hash256 LiveJob::coinbase_txid(BytesView extranonce1, BytesView extranonce2, BytesView script) const {
  bitcoin::Sha256 hash = prefix_hashed_;
  hash.update(extranonce1).update(extranonce2);
  bitcoin::update_with_suffix(hash, job_->coinbase, script);
  return hash.finish_double();
}

}  // namespace hh::pool
