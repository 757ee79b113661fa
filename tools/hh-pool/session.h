// One miner's connection as Stratum V1 sees it: lines in, lines out, no sockets. [C125]
//
// A connection works for one miner (account), because its coinbase pays that miner; it may authorize any number of workers of it. Work is
// sent once it has subscribed and authorized. A share is judged with the difficulty that was in force when its job was sent.
#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "miners.h"
#include "pool.h"
#include "stratum/v1.h"

namespace hh::pool {

// Where a session's lines go.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void send(std::string_view line) = 0;                           // leaves soon, with what else is sent in this turn
  virtual void send_now(std::span<const std::string_view> pieces) = 0;    // of one line, which goes to many; leaves at once
  virtual void close(const char* why) = 0;                                // after what was sent has left
};

class Session : public Waiter {
 public:
  // peer: for log lines. self must be given (as Ack needs it) before lines come in: see make().
  static std::shared_ptr<Session> make(Pool& pool, Outlet& outlet, std::string peer);
  ~Session() override;

  void line(std::string_view text);
  void line_too_long();
  void new_job(LiveJob& live);
  void tick(int64_t now_ms);
  void stored(const stratum::v1::Id& id, bool ok) override;
  void disconnected() { outlet_ = nullptr; }
  const std::string& peer() const { return peer_; }

 private:
  Session(Pool& pool, Outlet& outlet, std::string peer);
  struct Worker {
    std::string user;
    Identity who;
  };
  // Jobs of one tip that were given out with the same assignment, which is most of them.
  struct GivenJobs {
    uint64_t first, last;  // numbers
    Assignment assignment;
  };
  using Id = stratum::v1::Id;

  void handle(const Id& id, const stratum::v1::Subscribe& m);
  void handle(const Id& id, const stratum::v1::Configure& m);
  void handle(const Id& id, const stratum::v1::Authorize& m);
  void handle(const Id& id, const stratum::v1::SuggestDifficulty& m);
  void handle(const Id& id, const stratum::v1::SuggestTarget& m);
  void handle(const Id& id, const stratum::v1::ExtranonceSubscribe& m);
  void handle(const Id& id, const stratum::v1::Submit& m);
  void handle(const Id& id, const stratum::v1::Unknown& m);
  void bad_line(const stratum::v1::ParseFailure& failure);
  void refuse(const Id& id, stratum::v1::Code code, std::string_view why);
  void send(std::string_view line);
  void close(const char* why);
  void start_work();
  const Worker* find_worker(std::string_view user) const;
  const Assignment* assignment_of(uint64_t job_number) const;
  const Assignment& assignment_for(const Job& job);

  Pool& pool_;
  Outlet* outlet_;
  const std::string peer_;
  std::weak_ptr<Session> self_;
  const std::array<uint8_t, extranonce1_size> extranonce1_;
  bool subscribed_ = false, closing_ = false;
  std::string user_agent_;
  std::optional<uint32_t> version_mask_;
  std::vector<Worker> workers_;
  std::vector<GivenJobs> given_;  // oldest first
  Assignment assignment_;                // the last one, and for which block target: working one out costs two long divisions
  bitcoin::Target assignment_for_;
  Vardiff vardiff_;
  std::optional<bitcoin::Difficulty> sent_difficulty_;
  int64_t since_ms_, last_line_ms_;
  int bad_lines_ = 0;
};

}  // namespace hh::pool
