#include "settle/resolve.h"

#include <fmt/format.h>

#include "base/daemon.h"
#include "crypto/digest.h"
#include "http/client.h"
#include "http/url.h"
#include "lightning/bolt12.h"
#include "lightning/endpoint.h"
#include "lightning/lnurl.h"

namespace hh::ln {
namespace {

bitcoin::Network network_or_throw(const std::string& chain) {
  const auto network = bitcoin::network_from_name(chain);
  if (!network) throw Error(Exit::config, fmt::format("unknown chain {}", chain));
  return *network;
}

// The attempt that an invoice is asked for.
lightning::PayoutAttempt next_attempt(const Line& line) {
  return {.chain = line.chain, .manifest_id = line.manifest_id, .account = line.account, .line = line.line, .attempt = (line.attempt ? line.attempt->number : 0) + 1, .amount = line.pay};
}

const std::string& given_invoice(const Line& line) { return line.replacement.empty() ? line.destination.value : line.replacement; }

}  // namespace

Resolver::Resolver(Backend& backend, Journal& journal, Identity identity, ResolvePolicy policy, Fetch fetch, const Clock& clock, Ask ask)
    : backend_(backend), journal_(journal), network_(network_or_throw(identity.chain)), policy_(policy), fetch_(std::move(fetch)), clock_(clock), ask_(std::move(ask)) {}

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

lightning::Invoice Resolver::ask_endpoint(const Line& line) {
  const auto endpoint = [&] {
    try {
      return lightning::parse_endpoint(line.destination.value);
    } catch (const Error& e) {
      throw InvoiceRefused(Exit::data, e.what(), "", true);
    }
  }();
  if (!ask_) throw Error(Exit::unavailable, "an invoice endpoint needs the settings endpoint.ca, endpoint.certificate and endpoint.key");
  const lightning::PayoutAttempt attempt = next_attempt(line);
  const Reply reply = ask_(endpoint.url, lightning::endpoint_request(attempt));
  const auto invoice = lightning::read_endpoint_reply(reply.status, reply.body, http::parse_url(endpoint.url)->without_query());
  const std::string why = lightning::refuse_endpoint(invoice, endpoint, attempt);
  if (!why.empty()) throw InvoiceRefused(Exit::data, why, invoice.text);
  return invoice;
}

Resolved Resolver::resolve_node(const Line& line) {
  const auto key = lightning::parse_node_key(line.destination.value);
  if (!key) throw InvoiceRefused(Exit::data, "the node's public key is not a point of secp256k1", "", true);
  if (const std::string why = backend_.refuse_keysend(); !why.empty()) throw InvoiceRefused(Exit::data, why, "", true);
  return {"", crypto::sha256(BytesView(journal_.keysend_preimage(line.manifest_id, line.line, next_attempt(line).attempt))), *key, {}};
}

// The manifest is signed: only its operator can bring another invoice.
Resolved Resolver::resolve_given(const Line& line) try {
  const Resolved given = from_invoice(lightning::decode_bolt11(given_invoice(line)), line);
  const auto simulated = backend_.invoice_for(line.destination, line.pay);
  return simulated ? from_invoice(lightning::decode_bolt11(*simulated), line) : given;
} catch (const Error& e) {
  if (e.code() != Exit::data) throw;
  throw InvoiceRefused(Exit::data, e.what(), given_invoice(line), true);
}

// What is wrong with the offer stays wrong; an invoice that is not the offer's may be followed by one that is.
Resolved Resolver::resolve_offer(const Line& line) {
  const auto refuse = [](const std::string& why, const std::string& invoice, bool for_good) {
    if (!why.empty()) throw InvoiceRefused(Exit::data, why, invoice, for_good);
  };
  const auto read = [&](auto decode, const std::string& text, bool for_good) {
    try {
      return decode(text);
    } catch (const Error& e) {
      throw InvoiceRefused(Exit::data, e.what(), for_good ? "" : text, for_good);
    }
  };
  const auto offer = read(lightning::decode_offer, line.destination.value, true);
  refuse(lightning::refuse_offer(offer, network_, line.pay, clock_.unix_seconds()), "", true);
  if (const auto simulated = backend_.invoice_for(line.destination, line.pay)) return from_invoice(lightning::decode_bolt11(*simulated), line);
  refuse(backend_.refuse_offers(), "", true);
  const std::string note = lightning::payout_note(next_attempt(line));
  const auto invoice = read(lightning::decode_bolt12_invoice, backend_.invoice_of_offer(offer, line.pay, note), false);
  refuse(lightning::refuse_bolt12_invoice(invoice, offer, network_, line.pay, note, clock_.unix_seconds(), policy_.least_seconds_left), invoice.text, false);
  return {invoice.text, invoice.payment_hash, invoice.payee, invoice.expires_at()};
}

Resolved Resolver::resolve(const Line& line) {
  using payout::DestinationKind;
  switch (line.destination.kind) {
    case DestinationKind::node: return resolve_node(line);
    case DestinationKind::bolt11: return resolve_given(line);
    case DestinationKind::bolt12: return resolve_offer(line);
    case DestinationKind::lnaddress:
    case DestinationKind::lnurl:
    case DestinationKind::endpoint: break;
  }
  if (const auto simulated = backend_.invoice_for(line.destination, line.pay)) return from_invoice(lightning::decode_bolt11(*simulated), line);
  return from_invoice(line.destination.kind == DestinationKind::endpoint ? ask_endpoint(line) : ask_service(line), line);
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

Ask http_ask(EndpointAccess access) {
  auto client = std::make_shared<http::Client>();
  client->stop_when([] { return stop_requested(); });
  return [client, access = std::move(access)](const std::string& url, const std::string& body) -> Reply {
    http::Request request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    request.body = body;
    request.timeouts = {.connect_ms = std::min<int64_t>(10'000, access.timeout_ms), .total_ms = access.timeout_ms, .idle_ms = 0};
    request.tls = {.ca_file = access.ca, .client_cert_file = access.certificate, .client_key_file = access.key};
    request.max_response = lightning::max_endpoint_reply;
    request.repeatable = true;
    try {
      http::Result result = client->send(request);
      if (result.outcome != http::Outcome::ok) throw Error(Exit::unavailable, result.error);
      return {result.response.status, std::move(result.response.body)};
    } catch (const Error& e) {
      // One's own certificate that cannot be read must not keep the other lines from being paid.
      throw Error(Exit::unavailable, e.what());
    }
  };
}

}  // namespace hh::ln
