// A node in the test's own process, behind a real HTTP server: it knows the truth about each payment, and what it says of it is as wrong as the test
// wants. FakeLnd and FakeCln speak the two interfaces; what they have in common is here.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/test_server.h"
#include "json/strict.h"
#include "test_support.h"

namespace hh::ln::test {

// What becomes of a request to send or to track.
enum class Fault {
  none,
  no_reply,       // silence until the client gives up
  reset,          // the connection is reset after the body
  http_500, text_404,
  no_such_path,   // what the server itself says of a path or command that it does not have
  error_inside,   // the status of success, with an error in the body
  already,        // to send: this payment exists already
  refused,        // 401: macaroon or rune
  cut, garbage, other_payment, wrong_preimage,
  reordered,      // updates out of order: the newest first, or old entries behind
  called_failed,  // the node calls FAILED what is under way
};

// What becomes of a payment that reaches the node.
enum class Fate { paid, held, failed, held_in_part };  // held_in_part: a part has failed, another is out

struct Truth {
  Msat amount;
  enum { under_way, paid, failed } state = under_way;
  bool part_failed = false;
  uint64_t index = 0;
};

class FakeNode {
 public:
  explicit FakeNode(Clock& clock);
  virtual ~FakeNode() = default;
  // The real one. It has little patience only where it gets no reply: elsewhere a slow machine would look like a fault.
  virtual std::unique_ptr<Backend> backend() = 0;

  struct Spoiled {
    Fault fault = Fault::none;
    bool lost = false;  // the request never reaches the node itself
  };
  Spoiled send, track;
  Fate fate = Fate::paid;

  void put(const std::string& hash, Msat amount, int state);  // as Truth::state
  void settle_all();                                          // what is under way gets through
  void forget();                                              // the history is deleted; the truth stays
  void go_down();
  void come_up();
  const std::map<std::string, Truth>& truth() const { return truth_; }
  int64_t spent(const std::string& hash) const { return spent_.contains(hash) ? spent_.at(hash) : 0; }

 protected:
  struct Asked {
    std::string method, path, body;
  };
  virtual void handle(http::Connection& c, const Asked& asked) = 0;
  // Answers with the fault, and says so; false where the honest answer is to be given. success: an answer of a call that has no fault of its own.
  bool spoil(http::Connection& c, Fault fault, int success, const std::string& honest);
  bool pay(const std::string& hash, Msat amount);  // false: it is under way or paid, and a node pays one hash once
  void settle(const std::string& hash);
  static int64_t patience_ms(const Spoiled& s) { return s.fault == Fault::no_reply ? 250 : 20'000; }
  Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Truth> known_;  // what it remembers
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve(http::Connection& c);
  std::map<std::string, Truth> truth_;
  std::map<std::string, int64_t> spent_;
  uint64_t index_ = 0;
  uint16_t port_ = 0;
  std::unique_ptr<http::TestServer> server_;
};

std::unique_ptr<FakeNode> fake_lnd(Clock& clock);
std::unique_ptr<FakeNode> fake_cln(Clock& clock);

// Of the invoices of test_support.h.
std::string preimage_of(const std::string& hash);

}  // namespace hh::ln::test
