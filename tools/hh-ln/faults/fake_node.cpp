#include "faults/fake_node.h"

namespace hh::ln::test {

std::string preimage_of(const std::string& hash) {
  for (int n = 0; n < 256; ++n)
    if (const Preimage p = preimage_number(static_cast<uint8_t>(n)); to_hex(crypto::sha256(BytesView(p))) == hash) return to_hex(p);
  return std::string(64, '0');
}

FakeNode::FakeNode(Clock& clock) : clock_(clock) { come_up(); }

void FakeNode::come_up() {
  if (server_) return;
  server_ = std::make_unique<http::TestServer>([this](http::Connection& c) { serve(c); }, port_);
  port_ = server_->port();
}

void FakeNode::go_down() { server_.reset(); }

void FakeNode::serve(http::Connection& c) {
  for (std::string request; !(request = c.read_request()).empty();) {
    const size_t space = request.find(' '), end = request.find(' ', space + 1), body = request.find("\r\n\r\n") + 4;
    handle(c, {request.substr(0, space), request.substr(space + 1, end - space - 1), request.substr(body)});
    return;  // one request per connection: the fault may have closed it
  }
}

void FakeNode::put(const std::string& hash, Msat value, int state) {
  const std::lock_guard lock(mutex_);
  Truth t{value, Truth::under_way, false, ++index_};
  known_[hash] = truth_[hash] = t;
  if (state == Truth::paid) settle(hash);
  if (state == Truth::failed) known_[hash].state = truth_[hash].state = Truth::failed;
}

bool FakeNode::pay(const std::string& hash, Msat value) {
  const auto found = known_.find(hash);
  if (found != known_.end() && found->second.state != Truth::failed) return false;
  Truth t{value, Truth::under_way, fate == Fate::held_in_part, ++index_};
  if (fate == Fate::failed) t.state = Truth::failed;
  known_[hash] = truth_[hash] = t;
  if (fate == Fate::paid) settle(hash);
  return true;
}

void FakeNode::settle(const std::string& hash) {
  truth_[hash].state = Truth::paid;
  if (known_.contains(hash)) known_[hash].state = Truth::paid;
  ++spent_[hash];
}

void FakeNode::settle_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [hash, t] : std::map(truth_))
    if (t.state == Truth::under_way) settle(hash);
}

void FakeNode::forget() {
  const std::lock_guard lock(mutex_);
  known_.clear();
}

bool FakeNode::spoil(http::Connection& c, Fault fault, int success, const std::string& honest) {
  switch (fault) {
    case Fault::no_reply: return c.wait_for_close(), true;
    case Fault::reset: return c.reset(), true;
    case Fault::http_500: return c.answer(500, "internal server error"), true;
    case Fault::text_404: return c.answer(404, "404 page not found\n"), true;
    case Fault::garbage: return c.answer(success, "<html>welcome</html>\n"), true;
    case Fault::cut:
      c.write("HTTP/1.1 " + std::to_string(success) + " Text\r\nContent-Length: " + std::to_string(honest.size()) + "\r\n\r\n" + honest.substr(0, honest.size() / 2));
      return true;
    default: return false;
  }
}

}  // namespace hh::ln::test
