// From a destination to something that has a payment hash: an invoice that passed every check, or a keysend.
//
// Resolving sends no money and is never part of sending: what it returns is stored first.
#pragma once
#include <functional>
#include <string>

#include "backends/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "journal/journal.h"

namespace hh::ln {

struct ResolvePolicy {
  bool allow_loopback = false;        // LNURL services on this machine over plain http
  int64_t least_seconds_left = 30;    // of an invoice's life, so that it does not expire on the way
};

// POST to an invoice endpoint. Throws Error(unavailable).
struct Reply {
  long status = 0;
  std::string body;
};
using Ask = std::function<Reply(const std::string& url, const std::string& body)>;

// An invoice that may not be paid, or none at all. for_good: the destination can never be paid as the manifest has it (an invoice over another amount …),
// so that the line is held for the operator; else another try may bring a better one.
class InvoiceRefused : public Error {
 public:
  InvoiceRefused(Exit code, const std::string& sentence, std::string text, bool final_word = false)
      : Error(code, sentence), invoice(std::move(text)), for_good(final_word) {}
  std::string invoice;  // what was refused, or "" where nothing came that could be read
  bool for_good;
};

// GET url; the body, whatever the status (LUD-01). Throws Error(unavailable).
using Fetch = std::function<std::string(const std::string& url)>;

class Resolver {
 public:
  // ask: none where the program has no certificate to show; then lines to an endpoint wait.
  Resolver(Backend& backend, Journal& journal, Identity identity, ResolvePolicy policy, Fetch fetch, const Clock& clock = system_clock(), Ask ask = {});
  // Throws InvoiceRefused with a sentence for the line's note, or Error(unavailable or data) where no invoice could be had.
  Resolved resolve(const Line& line);

 private:
  Resolved from_invoice(const lightning::Invoice& invoice, const Line& line) const;
  lightning::Invoice ask_service(const Line& line);
  lightning::Invoice ask_endpoint(const Line& line);
  Resolved resolve_node(const Line& line);
  Resolved resolve_given(const Line& line);
  Resolved resolve_offer(const Line& line);
  Backend& backend_;
  Journal& journal_;
  bitcoin::Network network_;
  ResolvePolicy policy_;
  Fetch fetch_;
  const Clock& clock_;
  Ask ask_;
};

// Fetch over the network: https (or what the policy allows), public hosts only unless loopback is allowed, bounded. proxy: for .onion, or "".
Fetch http_fetch(bool allow_loopback, const std::string& proxy);

// Ask over the network: only servers that this authority vouches for, by their names, and which take our certificate. No redirects, bounded in size and time.
struct EndpointAccess {
  std::string ca, certificate, key;  // PEM files; none may be empty
  int64_t timeout_ms = 20'000;
};
Ask http_ask(EndpointAccess access);

}  // namespace hh::ln
