#include "journal/state.h"

namespace hh::ln {
namespace {

struct Rule {
  Event event;
  State from, to;
};

constexpr Rule rules[] = {
    {Event::send, State::resolved, State::sending},
    {Event::send, State::sending, State::sending},  // we were killed in SENDING and the node does not know the hash
    {Event::send, State::unknown, State::sending},
    {Event::in_flight, State::sending, State::inflight},
    {Event::in_flight, State::unknown, State::inflight},
    {Event::in_flight, State::inflight, State::inflight},
    {Event::no_answer, State::sending, State::unknown},
    {Event::no_answer, State::inflight, State::unknown},
    {Event::no_answer, State::unknown, State::unknown},
    {Event::settled, State::sending, State::paid},
    {Event::settled, State::inflight, State::paid},
    {Event::settled, State::unknown, State::paid},
    {Event::settled, State::failed_safe, State::paid},  // late success: accepted, with an alarm
    {Event::failed, State::sending, State::failed_safe},
    {Event::failed, State::inflight, State::failed_safe},
    {Event::failed, State::unknown, State::failed_safe},
    {Event::expired, State::resolved, State::failed_safe},
    {Event::expired, State::sending, State::failed_safe},
    {Event::expired, State::unknown, State::failed_safe},
    {Event::retry, State::failed_safe, State::resolved},
};

struct StateName {
  State state;
  std::string_view text;
};
constexpr StateName names[] = {{State::resolved, "RESOLVED"}, {State::sending, "SENDING"}, {State::inflight, "INFLIGHT"},
                               {State::unknown, "UNKNOWN"},   {State::paid, "PAID"},       {State::failed_safe, "FAILED_SAFE"}};

}  // namespace

std::optional<State> next(State state, Event event) {
  for (const Rule& r : rules)
    if (r.from == state && r.event == event) return r.to;
  return {};
}

std::string_view state_text(State s) {
  for (const StateName& n : names)
    if (n.state == s) return n.text;
  return "";
}

std::optional<State> state_from_text(std::string_view text) {
  for (const StateName& n : names)
    if (n.text == text) return n.state;
  return {};
}

std::string_view event_text(Event e) {
  switch (e) {
    case Event::send: return "send";
    case Event::in_flight: return "in_flight";
    case Event::no_answer: return "no_answer";
    case Event::settled: return "settled";
    case Event::failed: return "failed";
    case Event::expired: return "expired";
    case Event::retry: return "retry";
  }
  return "";
}

}  // namespace hh::ln
