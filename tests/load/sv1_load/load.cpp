#include "load.h"

#include <sys/epoll.h>

#include <array>
#include <cstdio>

#include "base/daemon.h"
#include "base/error.h"
#include "base/terminal.h"
#include "moment.h"
#include "report.h"

namespace hh::load {
namespace {

constexpr size_t most_outstanding = 64;       // of a paced connection: a server that stands still is not buried
constexpr size_t most_sent_in_turn = 64;      // before answers are read again
constexpr uint64_t nap_us = 1'000;
constexpr uint64_t ramp_slice_us = 5'000;
constexpr uint64_t hostile_slice_us = 20'000;

}  // namespace

// Measures a phase from its construction to the end of its scope.
class Load::Timed {
 public:
  Timed(const Options& o, Phase& phase) : options_(o), phase_(phase), start_us_(now_us()), own_us_(own_cpu_us()) { phase_.before = usage_of(o.server_pids); }
  ~Timed() {
    phase_.us = now_us() - start_us_;
    phase_.own_cpu_us = own_cpu_us() - own_us_;
    try {
      phase_.after = usage_of(options_.server_pids);
    } catch (const Error&) {  // the server has ended: what it cost is unknown
      phase_.after = phase_.before;
    }
  }

 private:
  const Options& options_;
  Phase& phase_;
  const uint64_t start_us_, own_us_;
};

Load::Load(const Options& o) : options_(o), epoll_(::epoll_create1(EPOLL_CLOEXEC)), shared_{o, {}, {}, nullptr, {}}, blocks_(o), hostile_(o), random_(o.seed) {
  if (!epoll_) throw Error(Exit::io, "epoll_create1: " + reason(errno));
  shared_.blocks = &blocks_;
  results_.honest = o.connections - hostile_.count();
}

Load::~Load() = default;

void Load::run() {
  connect_all();
  report_connect(options_, results_);
  if (options_.idle_seconds != 0) {
    idle();
    report_idle(options_, results_);
  }
  if (options_.seconds == 0) return;
  drive();
  drain();
  blocks_.stop();
  report_drive(options_, results_, shared_.counts);
  report_blocks(options_, shared_.tips, blocks_, ready_.size());
  if (hostile_.count() != 0) report_hostile(hostile_);
}

// ---- phases

void Load::connect_all() {
  Timed timed(options_, results_.connect);
  const uint64_t start = now_us(), all = results_.honest;
  pending_logins_ = all;
  connections_.reserve(all);
  for (uint64_t now = start; pending_logins_ != 0 && !stop_requested(); now = now_us()) {
    const uint64_t due = options_.ramp_per_second == 0 ? all : std::min(all, (now - start) * options_.ramp_per_second / 1'000'000 + 1);
    while (connections_.size() < due) begin(connections_.size());
    turn(now + ramp_slice_us);
    progress("logging in", all - pending_logins_, all);
    const uint64_t limit = options_.login_seconds * 1'000'000;
    if (connections_.size() < all || now < connections_.back()->begun_us + limit) continue;
    for (auto& c : connections_)
      if (c->state == State::connecting || c->state == State::logging_in) fail_login(*c, results_.slow_logins);
  }
  results_.logged_in = ready_.size();
}

void Load::idle() {
  Timed timed(options_, results_.idle);
  const uint64_t end = now_us() + options_.idle_seconds * 1'000'000;
  for (uint64_t now; (now = now_us()) < end && !stop_requested();) turn(std::min(end, now + 100'000));
}

void Load::drive() {
  Timed timed(options_, results_.drive);
  const uint64_t start = now_us();
  blocks_.start(start);
  const uint64_t end = start + options_.seconds * 1'000'000;
  if (options_.pipeline != 0)
    drive_flat_out(end);
  else
    drive_paced(end);
}

// The submits of all miners together are one Poisson process; each is made by a miner drawn at random. Where the next one is near, answers
// are left to lie until then: the kernel has noted when they came, and a server that has to wake this program for each answer, on a processor
// that they share, would be charged for the miners.
void Load::drive_paced(uint64_t end_us) {
  std::exponential_distribution<double> gap_us(static_cast<double>(options_.submits_per_minute * std::max<size_t>(ready_.size(), 1)) / 60e6);
  auto due = static_cast<double>(now_us()) + gap_us(random_);
  bool busy = false;
  for (uint64_t now; (now = now_us()) < end_us && may_submit() && !ready_.empty() && !stop_requested();) {
    for (size_t sent = 0; static_cast<uint64_t>(due) <= now && sent < most_sent_in_turn && !ready_.empty() && may_submit(); ++sent, now = now_us()) {
      Connection& c = *ready_[random_() % ready_.size()];
      if (c.miner.outstanding() >= most_outstanding)
        ++results_.held_back;
      else if (submit(c))
        results_.late_us.add(now - static_cast<uint64_t>(due));
      due += gap_us(random_);
    }
    const uint64_t next = std::min(end_us, std::max(now, static_cast<uint64_t>(due)));
    if (next - now < nap_us && !busy) {
      sleep_us(next - now);
      busy = turn(0);
    } else {
      busy = turn(next);
    }
    progress("submitting", shared_.counts.submitted, 0);
  }
}

void Load::drive_flat_out(uint64_t end_us) {
  filling_ = true;
  const std::vector<Connection*> all = ready_;
  for (Connection* c : all) {
    if (c->state == State::ready) fill(*c);
    turn(0);
  }
  for (uint64_t now; (now = now_us()) < end_us && may_submit() && !ready_.empty() && !stop_requested();) {
    turn(std::min(end_us, now + 100'000));
    progress("submitting", shared_.counts.submitted, 0);
  }
  filling_ = false;
}

void Load::drain() {
  const uint64_t end = now_us() + options_.drain_seconds * 1'000'000;
  const auto left = [this] {
    uint64_t n = 0;
    for (const Connection* c : ready_) n += c->miner.outstanding();
    return n;
  };
  for (uint64_t now; (left() != 0 || is_block_under_way()) && (now = now_us()) < end && !stop_requested();) turn(std::min(end, now + 50'000));
  turn(now_us() + 50'000);  // for an answer that comes twice
  results_.unanswered = left();
}

// Given to the node, and not yet known to all.
bool Load::is_block_under_way() const {
  const Tips& tips = shared_.tips;
  return blocks_.told_us() != 0 && !ready_.empty() && (!tips.is_newest(tips.newest(), blocks_.told_us()) || tips.all().back().receivers < ready_.size());
}

// ---- events

bool Load::turn(uint64_t until_us) {
  const uint64_t now = now_us();
  uint64_t wait = until_us > now ? until_us - now : 0;
  if (hostile_.count() != 0) wait = std::min(wait, hostile_slice_us);
  const timespec t{static_cast<time_t>(wait / 1'000'000), static_cast<long>(wait % 1'000'000 * 1000)};
  std::array<epoll_event, 512> events;
  const int n = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &t, nullptr);
  if (n < 0 && errno != EINTR) throw Error(Exit::io, "epoll_pwait2: " + reason(errno));
  for (int i = 0; i < n; ++i) {
    const epoll_event& e = events[static_cast<size_t>(i)];
    on_event(*connections_[e.data.u64], e.events);
  }
  hostile_.act(now_us());
  return n == static_cast<int>(events.size());
}

void Load::watch(Connection& c, bool writing, bool is_new) {
  epoll_event e{};
  e.events = EPOLLIN | (writing ? EPOLLOUT : 0u);
  e.data.u64 = c.index;
  if (::epoll_ctl(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c.socket.fd(), &e) != 0) throw Error(Exit::io, "epoll_ctl: " + reason(errno));
  c.watched_for_writing = writing;
}

void Load::begin(uint64_t index) {
  Connection& c = *connections_.emplace_back(std::make_unique<Connection>(shared_, index));
  c.begun_us = now_us();
  c.state = State::connecting;
  if (!c.socket.connect(options_, index)) return fail_login(c, results_.refused_connects);
  watch(c, true, true);
}

void Load::on_event(Connection& c, uint32_t events) {
  if (c.state == State::closed) return;
  if (c.state == State::connecting) return established(c);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(c);
  if (c.state != State::closed && (events & EPOLLOUT) != 0) send(c, {});
  if (c.state != State::closed && c.watched_for_writing != c.socket.has_unsent()) watch(c, c.socket.has_unsent());
}

void Load::established(Connection& c) {
  if (!c.socket.is_connected_now()) return fail_login(c, results_.refused_connects);
  c.state = State::logging_in;
  results_.connect_us.add(now_us() - c.begun_us);
  watch(c, false);
  out_.clear();
  c.miner.put_login(out_);
  send(c, out_);
}

void Load::read(Connection& c) {
  const Socket::Read result = c.socket.read_lines([&](std::string_view line, uint64_t arrived_us) { c.miner.line(line, arrived_us); });
  if (result == Socket::Read::closed) return lost(c);
  if (c.state == State::logging_in && !c.miner.login_refused().empty()) {
    results_.login_reason = c.miner.login_refused();
    return fail_login(c, results_.refused_logins);
  }
  if (c.state == State::logging_in && c.miner.is_ready()) became_ready(c);
  if (c.state == State::ready) submit_late(c);
  if (filling_ && c.state == State::ready) fill(c);
}

void Load::became_ready(Connection& c) {
  c.state = State::ready;
  results_.login_us.add(now_us() - c.begun_us);
  --pending_logins_;
  c.place = ready_.size();
  ready_.push_back(&c);
}

void Load::fail_login(Connection& c, uint64_t& cause) {
  ++cause;
  --pending_logins_;
  c.state = State::closed;
  c.socket.close();
}

void Load::lost(Connection& c) {
  if (c.state == State::logging_in) return fail_login(c, results_.closed_at_login);
  if (c.state != State::ready) return;
  ++results_.disconnected;
  results_.unanswered_closed += c.miner.outstanding();
  ready_.back()->place = c.place;
  std::swap(ready_[c.place], ready_.back());
  ready_.pop_back();
  c.state = State::closed;
  c.socket.close();
}

// ---- submits

void Load::send(Connection& c, std::string_view data) {
  if (!c.socket.send(data)) return lost(c);
  if (c.socket.has_unsent() && !c.watched_for_writing) watch(c, true);
}

bool Load::submit(Connection& c) {
  out_.clear();
  if (!c.miner.put_submit(out_)) return false;
  send(c, out_);
  return true;
}

void Load::submit_late(Connection& c) {
  out_.clear();
  if (c.miner.put_late_submit(out_)) send(c, out_);
}

// As many submits as the pipeline has room for, in one write.
void Load::fill(Connection& c) {
  out_.clear();
  while (c.miner.outstanding() < options_.pipeline && may_submit() && c.miner.put_submit(out_)) {
  }
  if (!out_.empty()) send(c, out_);
}

void Load::progress(const char* what, uint64_t done, uint64_t of) {
  static const bool shown = stderr_is_terminal();
  if (!shown) return;
  const uint64_t now = now_us();
  if (now - drawn_us_ < 200'000) return;
  drawn_us_ = now;
  if (of != 0)
    std::fprintf(stderr, "\r\033[K%s %llu of %llu", what, static_cast<unsigned long long>(done), static_cast<unsigned long long>(of));
  else
    std::fprintf(stderr, "\r\033[K%s %llu", what, static_cast<unsigned long long>(done));
}

}  // namespace hh::load
