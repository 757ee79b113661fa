#include "job.h"

#include <fmt/format.h>

#include <charconv>

#include "bitcoin/merkle.h"
#include "bitcoin/wire.h"

namespace hh::pool {

namespace v1 = stratum::v1;

namespace {

constexpr size_t run_digits = 11;  // of milliseconds, until the year 2527
constexpr size_t least_count_digits = 6;

std::optional<uint64_t> read_hex(std::string_view digits) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return n;
}

}  // namespace

std::string JobMaker::id(uint64_t count) const { return fmt::format("{:011x}{:06x}", config_.run, count); }

bool JobMaker::was_ours(std::string_view text, uint64_t last_number) const {
  if (text.size() < run_digits + least_count_digits || text.size() > run_digits + 15) return false;
  const auto run = read_hex(text.substr(0, run_digits)), count = read_hex(text.substr(run_digits));
  if (text[0] == '0' || !run || !count || *run > config_.run || *count == 0) return false;
  return *run < config_.run || (number(*count) <= last_number && text == id(*count));
}

std::shared_ptr<const Job> make_job(records::Job record, uint64_t number, bool new_tip, std::shared_ptr<const bitcoin::BlockTemplate> t) {
  auto job = std::make_shared<Job>();
  const records::Job& r = job->record = std::move(record);
  job->number = number;
  job->new_tip = new_tip;
  job->coinbase = {r.coinbase_prefix, extranonce1_size + extranonce2_size, r.coinbase_suffix_head, r.coinbase_suffix_tail, r.coinbase_suffix_treasury,
                   r.treasury_keeps ? r.subsidy + r.fees - *r.treasury_keeps : r.fees};
  job->least_time = t->mintime;
  job->most_time = t->curtime + max_time_ahead;
  job->most_difficulty = bitcoin::difficulty_within(t->target).for_wire();
  job->notify = v1::notify_halves(r.job, r.prev_hash, r.coinbase_prefix, r.merkle_branch, r.version, r.nbits, r.ntime, new_tip);
  job->block_template = std::move(t);
  return job;
}

std::shared_ptr<const Job> JobMaker::make(std::shared_ptr<const bitcoin::BlockTemplate> t, bool new_tip, int64_t now_ms) {
  const std::string name = id(made_ + 1);
  const auto unique = bitcoin::sha256(as_bytes(config_.source + "/" + name));

  bitcoin::CoinbaseInputs in;
  in.height = t->height;
  in.aux = t->coinbase_aux;
  in.pool_tag = config_.pool_tag + std::string(as_text(BytesView(unique.bytes).first(8)));
  in.extranonce_size = extranonce1_size + extranonce2_size;
  in.subsidy = t->subsidy;
  in.fees = t->fees;
  in.treasury_script = config_.treasury_script;
  if (config_.solo_fee_ppm) in.treasury_keeps = bitcoin::solo_fee(t->subsidy + t->fees, *config_.solo_fee_ppm, config_.treasury_script);
  in.witness_commitment_script = t->witness_commitment_script;
  const bitcoin::CoinbaseParts coinbase = bitcoin::build_coinbase(in);

  records::Job r;
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
  r.treasury_keeps = in.treasury_keeps;
  r.coinbase_prefix = coinbase.prefix;
  r.coinbase_suffix_treasury = coinbase.treasury_suffix;
  r.coinbase_suffix_head = coinbase.finder_head;
  r.coinbase_suffix_tail = coinbase.finder_tail;
  r.extranonce1_size = extranonce1_size;
  r.extranonce2_size = extranonce2_size;
  r.merkle_branch = t->merkle_branch();
  r.tx_count = static_cast<uint32_t>(t->transactions.size() + 1);

  ++made_;
  return make_job(std::move(r), number(made_), new_tip, std::move(t));
}

LiveJob::LiveJob(std::shared_ptr<const Job> job, uint16_t short_number) : job_(std::move(job)), short_number_(short_number) { prefix_hashed_.update(job_->coinbase.prefix); }

records::FeeTo LiveJob::fee_to(BytesView script) const {
  return bitcoin::can_pay_finder(job_->coinbase, script) ? records::FeeTo::coinbase : records::FeeTo::manifest;
}

std::optional<Sat> LiveJob::treasury_keeps(BytesView script) const {
  return bitcoin::can_pay_finder(job_->coinbase, script) ? job_->record.treasury_keeps : std::nullopt;
}

std::string_view LiveJob::suffix_hex(BytesView script) { return suffix_hex_ = to_hex(suffix(script)); }

bitcoin::Hash256 LiveJob::coinbase_txid(BytesView extranonce1, BytesView extranonce2, BytesView script) const {
  bitcoin::Sha256 hash = prefix_hashed_;
  hash.update(extranonce1).update(extranonce2);
  bitcoin::update_with_suffix(hash, job_->coinbase, script);
  return hash.finish_double();
}

}  // namespace hh::pool
