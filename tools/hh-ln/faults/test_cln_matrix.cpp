// Core Lightning: every fault × every state (matrix.h).
#include <catch2/catch.hpp>

#include "faults/matrix.h"

using namespace hh::ln::test;

namespace {

const Row rows[] = {
    // The states after the run that is struck, in the order of Column: RESOLVED, SENDING (lost, paid), INFLIGHT, UNKNOWN (lost, under way, paid),
    // FAILED_SAFE, PAID, HELD (lost, under way). Where the end is given too, it is not "all PAID".
    {"no reply, the request was lost", on(Fault::no_reply, true, Fault::no_reply), "U U U I U U U U P U U"},
    {"no reply, though it was paid", on(Fault::no_reply, false, Fault::none), "P P P I P I P P P U I"},
    {"no reply to anything, though it was paid", on(Fault::no_reply, false, Fault::no_reply), "U U U I U U U U P U U"},
    {"reset after the body, nothing done", on(Fault::reset, true, Fault::reset), "U U U I U U U U P U U"},
    {"reset after the body, though it was paid", on(Fault::reset, false, Fault::none), "P P P I P I P P P U I"},
    {"201 with an error inside, nothing done", on(Fault::error_inside, true, Fault::error_inside), "U U U I U U U U P U U"},
    {"201 with an error inside, though it was paid", on(Fault::error_inside, false, Fault::none), "P P P I P I P P P U I"},
    {"219 of a payment that does not exist", on(Fault::already, true, Fault::none), "U U P I U I P F P U I", "U U P P U P P U P P P"},
    {"219, and it was paid", on(Fault::already, false, Fault::none), "P P P I P I P P P U I"},
    {"plain-text 404, nothing done", on(Fault::text_404, true, Fault::text_404), "U U U I U U U U P U U"},
    {"plain-text 404, though it was paid", on(Fault::text_404, false, Fault::text_404), "U U U I U U U U P U U"},
    {"code -32601 of clnrest, nothing done", on(Fault::no_such_path, true, Fault::no_such_path), "U U U I U U U U P U U"},
    {"code -32601 of clnrest, though it was paid", on(Fault::no_such_path, false, Fault::no_such_path), "U U U I U U U U P U U"},
    {"500, nothing done", on(Fault::http_500, true, Fault::http_500), "U U U I U U U U P U U"},
    {"500, though it was paid", on(Fault::http_500, false, Fault::none), "P P P I P I P P P U I"},
    {"401 in the middle", on(Fault::refused, true, Fault::refused), "U U U I U U U U P U U"},
    {"a truncated answer", on(Fault::cut, false, Fault::cut), "U U U I U U U U P U U"},
    {"entries of the list out of order", on(Fault::reordered, false, Fault::reordered), "P P P I P I P P P U I"},
    {"garbage", on(Fault::garbage, false, Fault::garbage), "U U U I U U U U P U U"},
    {"an error that says nothing, and a list about another payment", on(Fault::other_payment, false, Fault::other_payment), "U U U I U U U U P U U"},
    {"an HTLC held for a day", on(Fault::none, false, Fault::none, Fate::held), "I I P I I I P I P U I"},
    {"a failure with a part still out", on(Fault::none, false, Fault::none, Fate::held_in_part), "I I P I I I P I P U I"},
    {"a failure, and it is one", on(Fault::none, false, Fault::none, Fate::failed), "F F P I F I P F P U I"},
    {"failed, then complete", on(Fault::called_failed, false, Fault::called_failed, Fate::held), "F F P F F F P F P U F", everything_paid, nullptr, true},
    {"an error that says nothing, and a list that flickers", on(Fault::other_payment, false, Fault::called_failed, Fate::held), "F F P F F F P F P U F", everything_paid, nullptr, true},
    {"a wrong preimage", on(Fault::wrong_preimage, false, Fault::wrong_preimage), "U U U I U I U U P U I"},
    {"restarted in the middle of a payment of several parts", on(Fault::reset, false, Fault::none, Fate::held_in_part), "I I P I I I P I P U I", everything_paid,
     [](FakeNode& n) { n.go_down(); }},
    {"the history is erased before", [](FakeNode& n) { n.forget(); }, "P U U U U U U P P U U", "P U U U U U U P P U U"},
    {"the history is erased after an answer was lost", on(Fault::reset, false, Fault::no_reply), "U U U I U U U U P U U", "U U U U U U U U P U U",
     [](FakeNode& n) { n.forget(), n.track = {}; }},
    {"the node is down", [](FakeNode& n) { n.go_down(); }, "R S S I U U U F P U U"},
};

}  // namespace

TEST_CASE("Core Lightning: every fault in every state: money leaves at most once; at the end a line is paid or left to its operator (L028 L086)", "[matrix]") {
  for (const Row& row : rows) check_row(row, fake_cln);
}

TEST_CASE("Core Lightning, and an offer: every fault in every state as with other invoices (L028 C126)", "[matrix]") {
  for (const Row& row : rows) check_row(row, fake_cln, Payee::offer);
}
