#include "settle/resolve.h"

#include <fmt/format.h>

#include "base/daemon.h"
#include "crypto/digest.h"
#include "http/client.h"
#include "http/url.h"
#include "lightning/lnurl.h"

namespace hh::ln {
namespace {

bitcoin::Network network_or_throw(const std::string& chain) {
  const auto network = bitcoin::network_from_name(chain);
  if (!network) throw Error(Exit::config, fmt::format("unknown chain {}", chain));
  return *network;
}

const std::string& given_invoice(const Line& line) { return line.replacement.empty() ? line.destination.value : line.replacement; }

}  // namespace

Resolver::Resolver(Backend& backend, Journal& journal, Identity identity, ResolvePolicy policy, Fetch fetch, const Clock& clock)
    : backend_(backend), journal_(journal), network_(network_or_throw(identity.chain)), policy_(policy), fetch_(std::move(fetch)), clock_(clock) {}

Resolved Resolver::from_invoice(const lightning::Invoice& invoice, const Line& line) const {
  const std::string why = lightning::refuse_invoice(invoice, network_, line.pay, clock_.unix_seconds(), policy_.least_seconds_left);
  if (!why.empty()) throw InvoiceRefused(Exit::data, why, invoice.text);
  return {invoice.text, invoice.payment_hash, invoice.payee, invoice.expires_at()};
}

lightning::Invoice Resolver::ask_service(const Line& line) {
  const std::string& who = line.destination.value;
  const std::string url = line.destination.kind == payout::DestinationKind::lnaddress ? lightning::lightning_address_url(who, policy_.allow_loopback)
                                                                                      : lightning::lnurl_url(who, policy_.allow_loopback);
  const auto parameters = lightning::read_parameters(fetch_(url), who, policy_.allow_loopback);
  const auto invoice = lightning::read_invoice(fetch_(lightning::callback_url(parameters, line.pay, who)), who);
  const std::string why = lightning::refuse_description(invoice, parameters);
  if (!why.empty()) throw InvoiceRefused(Exit::data, why, invoice.text);
  return invoice;
}

Resolved Resolver::resolve(const Line& line) {
  if (line.destination.kind == payout::DestinationKind::node) {
    const auto key = lightning::parse_node_key(line.destination.value);
    if (!key) throw InvoiceRefused(Exit::data, "the node's public key is not a point of secp256k1", "", true);
    if (const std::string why = backend_.refuse_keysend(); !why.empty()) throw InvoiceRefused(Exit::data, why, "", true);
    const int64_t number = (line.attempt ? line.attempt->number : 0) + 1;
    return {"", crypto::sha256(BytesView(journal_.keysend_preimage(line.manifest_id, line.line, number))), *key, {}};
  }
  if (line.destination.kind == payout::DestinationKind::bolt11) try {
      const Resolved given = from_invoice(lightning::decode_bolt11(given_invoice(line)), line);
      const auto simulated = backend_.invoice_for(line.destination, line.pay);
      return simulated ? from_invoice(lightning::decode_bolt11(*simulated), line) : given;
    } catch (const Error& e) {
      if (e.code() != Exit::data) throw;
      throw InvoiceRefused(Exit::data, e.what(), given_invoice(line), true);  // the manifest is signed: only its operator can bring another invoice
    }
  const auto simulated = backend_.invoice_for(line.destination, line.pay);
  return from_invoice(simulated ? lightning::decode_bolt11(*simulated) : ask_service(line), line);
}

Fetch http_fetch(bool allow_loopback, const std::string& proxy) {
  auto client = std::make_shared<http::Client>();
  client->stop_when([] { return stop_requested(); });
  return [client, allow_loopback, proxy](const std::string& url) {
    const auto parsed = http::parse_url(url);
    http::Request request;
    request.url = url;
    request.timeouts = {.connect_ms = 10'000, .total_ms = 20'000, .idle_ms = 0};
    request.max_response = lightning::max_lnurl_answer;
    request.repeatable = true;
    request.follow_redirects = true;
    request.public_hosts_only = !allow_loopback;
    if (parsed && http::is_onion(parsed->host)) {
      if (proxy.empty()) throw Error(Exit::unavailable, "an .onion address needs the setting lnurl.proxy (a SOCKS proxy such as socks5h://127.0.0.1:9050)");
      request.proxy = proxy;
      request.public_hosts_only = false;  // the proxy is on this machine; the name is resolved by Tor
    }
    const http::Result result = client->send(request);
    if (result.outcome != http::Outcome::ok) throw Error(Exit::unavailable, result.error);
    return result.response.body;
  };
}

}  // namespace hh::ln
