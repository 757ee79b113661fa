#include "recorder.h"

namespace hh::pool {

void Recorder::put_job(const records::Job& job) {
  lines_ += records::job_line(job);
  lines_ += '\n';
}

void Recorder::put_share(records::ShareView share, Ack ack) {
  share.source = source_;
  share.simulated = simulated_;
  share.seq = ++seq_;
  records::put_share_line(lines_, share);
  acks_.push_back(std::move(ack));
  lines_ += '\n';
}

void Recorder::put_block(records::Block block) {
  block.source = source_;
  block.simulated = simulated_;
  block.share_seq = seq_;
  block.seq = ++seq_;
  lines_ += records::block_line(block);
  urgent_ = true;
  lines_ += '\n';
}

void Recorder::put_submission(records::Submission s) {
  s.source = source_;
  s.simulated = simulated_;
  lines_ += records::submission_line(s);
  lines_ += '\n';
}

void Recorder::flush() {
  if (lines_.empty() || retired_) return;
  ++flushes_;
  store_.write(std::exchange(lines_, {}), std::exchange(acks_, {}), std::exchange(urgent_, false));
}

}  // namespace hh::pool
