// lnd's wallet over REST: GET /v1/getinfo, /v1/balance/blockchain, /v1/transactions, /v2/wallet/estimatefee/{blocks}, /v2/wallet/addresses; POST
// /v2/wallet/psbt/fund, /v2/wallet/psbt/finalize, /v2/wallet/utxos/release, /v2/wallet/tx, /v2/wallet/bumpfee. [lnd 0.18 or later]
//
// Rights beside those of lnd.h: uri:/lnrpc.Lightning/WalletBalance uri:/lnrpc.Lightning/GetTransactions uri:/walletrpc.WalletKit/EstimateFee
//   uri:/walletrpc.WalletKit/ListAddresses uri:/walletrpc.WalletKit/FundPsbt uri:/walletrpc.WalletKit/FinalizePsbt
//   uri:/walletrpc.WalletKit/ReleaseOutput uri:/walletrpc.WalletKit/PublishTransaction uri:/walletrpc.WalletKit/BumpFee
#pragma once
#include "backends/lnd.h"
#include "http/client.h"
#include "json/strict.h"
#include "onchain/wallet.h"

namespace hh::ln {

class LndWallet : public Wallet {
 public:
  explicit LndWallet(LndConfig config);  // which LndBackend has accepted
  int64_t height() override;
  Sat confirmed() override;
  int64_t fee_rate(int64_t blocks) override;
  Funded fund(const std::vector<bitcoin::TxOutput>& outputs, int64_t sat_per_vbyte) override;
  Bytes finalize(const Bytes& psbt) override;
  bool owns(const std::string& address) override;
  void release(const std::vector<Coin>& coins) override;
  PublishAnswer publish(const Bytes& transaction, const std::string& label) override;
  std::vector<WalletTransaction> transactions(int64_t from_height) override;
  std::string bump(const bitcoin::OutPoint& output, int64_t sat_per_vbyte, Sat budget) override;

 private:
  std::string get(const std::string& path);
  std::string post(const std::string& path, const json::Json& body);
  http::Result send(const std::string& path, const json::Json* body);
  LndConfig config_;
  http::Client client_;
};

}  // namespace hh::ln
