// The REST answers of lnd's wallet. Pure functions, so that every odd answer is a test. All throw Error(unavailable) for what is not such an answer.
// [lnrpc/walletrpc/walletkit.proto and lnrpc/lightning.proto of lnd 0.21]
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "onchain/wallet.h"

namespace hh::ln {

int64_t read_block_height(std::string_view getinfo);
Sat read_confirmed_balance(std::string_view body);
int64_t read_fee_rate(std::string_view body);  // satoshis per virtual byte, rounded up
Funded read_funded(std::string_view body);
Bytes read_final_transaction(std::string_view body);
bool has_address(std::string_view body, const std::string& address);
std::vector<WalletTransaction> read_transactions(std::string_view body);
std::string read_bump(std::string_view body);
// Whatever status the answer has.
PublishAnswer read_published(std::string_view body, long status);

}  // namespace hh::ln
