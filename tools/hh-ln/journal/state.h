// The payment state machine: how one line of a manifest gets paid exactly once. hh-ln(1)
//
// The problem. Paying over Lightning is a request to a node whose answer may never come: the connection breaks, the node restarts, we are killed,
// or the payment simply hangs for hours at some stranger's node. Whoever takes "no answer" for "not paid" and pays again pays twice, and money
// sent over Lightning does not come back. Whoever takes it for "paid" leaves a miner without money. So the program must be able to stop at any
// moment, at any line of code, and still know afterwards what it may do.
//
// What makes it possible is that a Lightning payment has a name, its payment hash, and that a node pays one hash at most once. So:
//   1. An invoice (that is: a hash) is fetched and written to the journal before anything is sent. Fetching and sending are two steps, because
//      LNURL services give a new invoice for each call: fetching again after an unclear send would be a second payment.
//   2. That this invoice is now being sent, with amount and fee limit, is written and fsynced before the first byte goes out.
//   3. From then on only evidence about that hash moves the state: the node's own report, or a preimage.
// The states of an attempt:
//
//     RESOLVED ──send──▶ SENDING ──▶ INFLIGHT ⇄ UNKNOWN      from these three the evidence leads to
//        ▲                                                     PAID          a preimage whose SHA-256 is the hash: the payee's receipt
//        └───────retry────── FAILED_SAFE                       FAILED_SAFE   the node gave up for good and no HTLC is under way
//
// A line without an attempt is PLANNED; a line that waits for its operator is HELD. Both are facts about the line, not about an attempt.
//
// Why a time-out is UNKNOWN. A time-out, a 5xx, a closed socket say something about the connection, nothing about the payment: the request
// may have arrived and be under way. LNbits took such an error for a failure and credited users whose payments then went through
// (CVE-2024-34694). UNKNOWN asks the node about the hash ("track") until there is evidence.
//
// Why NotFound is not a failure either. The node does not know the hash: our request was lost, or has not been handled yet, or the node has
// deleted its history. So the *same* invoice is sent again: if the first request did arrive, the node refuses the second (AlreadyExists).
// Except where the node's memory is gone, for then NotFound says nothing: the node had already confirmed the payment once (`seen`), or it no longer knows
// another payment that it is known to have made (Reconciler::node_remembers). Then only a person may say what happened; the attempt stays
// UNKNOWN. A new invoice is fetched only for one that has expired, is NotFound and whose hash no HTLC carries, or for one that FAILED safely and
// has expired since; and the node has to say so again at that moment, because a request that was held up on its way can still have reached it.
//
// Why FAILED needs two things. lnd can report FAILED while HTLCs of the payment are still out; these can still settle. FAILED_SAFE therefore
// needs a failure reason *and* no HTLC in flight. Should a payment that we hold for failed succeed all the same, the success is accepted and an
// alarm is raised: the journal records what happened, not what should have happened.
//
// What was considered instead. (a) Waiting for the answer for as long as it takes: a killed process still has to find its way back, so the journal is
// needed anyway. (b) The node's payment list as the only authority: nodes can delete it, and it does not know which manifest line a payment was for;
// it is compared with the journal at each start instead, and a payment that the journal does not know stops everything. (c) Idempotency keys of a
// payment service: the payment hash is one, enforced by the node itself. (d) Marking a line paid first and paying then: loses miners' money silently.
//
// This file is the whole machine, as a pure function. The journal's triggers enforce the same table a second time (a test compares them), and
// every change is a conditional update on the old state, so that of two processes one wins and the other reads again.
#pragma once
#include <array>
#include <optional>
#include <string_view>

namespace hh::ln {

enum class State { resolved, sending, inflight, unknown, paid, failed_safe };
inline constexpr std::array all_states{State::resolved, State::sending, State::inflight, State::unknown, State::paid, State::failed_safe};

enum class Event {
  send,         // the request is about to go out (again, with the same invoice)
  in_flight,    // the node says that the payment is under way, or that it already exists
  no_answer,    // nothing that proves anything came back
  settled,      // a preimage that hashes to the payment hash
  failed,       // the node has given up, with a reason, and no HTLC is in flight
  expired,      // the invoice can no longer be paid; it was never sent, or the node does not know it and no HTLC carries its hash
  retry,        // the same invoice, once more
};
inline constexpr std::array all_events{Event::send, Event::in_flight, Event::no_answer, Event::settled, Event::failed, Event::expired, Event::retry};

// nullopt: this event cannot happen in this state; whoever reports it is wrong, and nothing changes.
std::optional<State> next(State state, Event event);

inline bool is_open(State s) { return s == State::sending || s == State::inflight || s == State::unknown; }  // money may be moving
inline bool is_final(State s) { return s == State::paid || s == State::failed_safe; }                        // no claim on this line is left

std::string_view state_text(State s);  // "RESOLVED", …: as journal and settlement records have it
std::optional<State> state_from_text(std::string_view text);
std::string_view event_text(Event e);

}  // namespace hh::ln
