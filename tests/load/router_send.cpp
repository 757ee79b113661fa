// The least that can pay invoices through lnd, as a measure for hh-ln: some threads, each with a connection of its own, post one invoice after the
// other to /v2/router/send and read the answer to its end. No journal, no proof, no second look: whatever hh-ln takes longer is what those cost.
//
// router_send URL TLS_CERT MACAROON_FILE THREADS <invoices     prints {"type":"router_send","v":1,"payments":…,"succeeded":…,"ms":…,"rss_kib":…}
#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "http/client.h"

namespace {

using namespace hh;

struct Target {
  std::string url, tls_cert, macaroon;
};

bool pay(http::Client& client, const Target& to, const std::string& invoice) {
  http::Request r;
  r.url = to.url + "/v2/router/send";
  r.method = "POST";
  r.headers = {{"Grpc-Metadata-macaroon", to.macaroon}, {"Content-Type", "application/json"}};
  r.body = fmt::format(R"({{"payment_request":"{}","timeout_seconds":60,"fee_limit_msat":"100000","no_inflight_updates":true}})", invoice);
  r.tls.pinned_cert_file = to.tls_cert;
  r.timeouts.total_ms = 120'000;
  r.repeatable = true;  // a kept connection, which is the fastest way; invoices are paid once by lnd
  const http::Result result = client.send(r);
  return result.is_success() && result.response.body.find("\"SUCCEEDED\"") != std::string::npos;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw Error(Exit::usage, "usage: router_send URL TLS_CERT MACAROON_FILE THREADS <invoices");
  Target to{argv[1], argv[2], read_file(argv[3])};
  while (to.macaroon.ends_with('\n')) to.macaroon.pop_back();
  std::vector<std::string> invoices;
  for (std::string line; std::getline(std::cin, line);) invoices.push_back(line);
  std::atomic<size_t> next{0}, succeeded{0};
  const int64_t begin = system_clock().monotonic_ms();
  {
    std::vector<std::jthread> threads;
    for (int i = std::stoi(argv[4]); i > 0; --i)
      threads.emplace_back([&] {
        http::Client client;
        for (size_t at; (at = next++) < invoices.size();) succeeded += pay(client, to, invoices[at]);
      });
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("{{\"type\":\"router_send\",\"v\":1,\"payments\":{},\"succeeded\":{},\"ms\":{},\"rss_kib\":{}}}\n", invoices.size(), succeeded.load(),
             system_clock().monotonic_ms() - begin, usage.ru_maxrss);
  return succeeded == invoices.size() ? 0 : 1;
} catch (const Error& e) {
  fmt::print(stderr, "router_send: {}\n", e.what());
  return static_cast<int>(e.code());
}
