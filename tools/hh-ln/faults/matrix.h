// Every fault against every state of a payment, with the real backend, the real Settler and a real HTTP connection: faults/test_lnd_matrix.cpp and
// test_cln_matrix.cpp have the tables.
//
// A node that for days calls FAILED what was paid, and shows no HTLC of it, cannot be told from an honest one; that is no row here.
//
// A cell is one line of a manifest whose attempt is in the column's state, at a node that knows the truth about it, when the row's fault strikes: one run
// of the program, and another a day later while it lasts. Then the node is well again, everything that was under way gets through, and runs follow until
// long after the invoice has expired. The table names the states that are allowed after the first run and at the end. In every cell and after every run
//   - money has left for the line at most once, whatever invoices it got meanwhile;
//   - PAID means that it has left, FAILED_SAFE that nothing can leave any more (but for a node that lies about that);
//   - no invoice has been replaced by another one while it can still be paid.
#pragma once
#include <functional>
#include <vector>

#include "faults/fake_node.h"

namespace hh::ln::test {

// What the journal has, and in brackets what is true.
enum class Column {
  resolved,          // RESOLVED
  sending,           // SENDING (the request was lost)
  sending_paid,      // SENDING (paid)
  inflight,          // INFLIGHT (under way)
  unknown,           // UNKNOWN (the request was lost)
  unknown_flight,    // UNKNOWN (under way)
  unknown_paid,      // UNKNOWN (paid)
  failed,            // FAILED_SAFE (failed)
  paid,              // PAID (paid)
  held_unknown,      // HELD, UNKNOWN (the request was lost)
  held_flight,       // HELD, UNKNOWN (under way)
};
inline constexpr size_t columns = 11;

inline constexpr const char* everything_paid = "P P P P P P P P P P P";

// States are written by their first letter: R S I U P F.
struct Row {
  const char* fault;
  std::function<void(FakeNode&)> strike;
  const char* after;        // for each column the states allowed after the run that it strikes, separated by spaces
  const char* at_the_end = everything_paid;
  std::function<void(FakeNode&)> a_day_later = nullptr;  // what else happens before the second run
  bool node_lies = false;   // about what has failed
};

// A strike: what becomes of requests to send (lost: they never reach the node) and to track, and of payments that get through.
std::function<void(FakeNode&)> on(Fault send, bool lost, Fault track, Fate fate = Fate::paid);

// How the line gets its invoices: from an LNURL service, or from the payee of an offer through the node.
enum class Payee { lnurl, offer };

// Runs every cell of the row; failures are reported with row and column.
void check_row(const Row& row, std::unique_ptr<FakeNode> (*make)(Clock&), Payee payee = Payee::lnurl);

}  // namespace hh::ln::test
