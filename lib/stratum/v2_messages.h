// Stratum V2: every message of the Common, Mining, Job Declaration and Template Distribution protocols and of the extensions 0x0001 (negotiation) and
// 0x0002 (worker names, which has no message of its own: see v2_tlv.h). [sv2-spec: 3.6, 5.3, 6.4, 7, 8, extensions]
//
// Each is declared once, as data: its name, its name in the specification, extension and type number, whether it belongs to a channel, and its fields in the
// order of the wire. Structs with these members follow from that, and so do encoding, decoding, JSON (v2_codec.h) and what the fuzzer knows.
#pragma once
#include <boost/preprocessor/seq/for_each.hpp>
#include <boost/preprocessor/stringize.hpp>
#include <boost/preprocessor/tuple/elem.hpp>
#include <boost/preprocessor/variadic/to_seq.hpp>
#include <tuple>

#include "stratum/v2_types.h"

namespace hh::stratum::v2 {

struct MessageType {
  uint16_t extension = 0;
  uint8_t number = 0;
  bool channel = false;       // the channel_msg bit: the first field is the channel's id
  const char* name = "";      // as in the specification; two protocols have a SetNewPrevHash
};

// clang-format off
#define HH_SV2_MEMBER(r, _, field) BOOST_PP_TUPLE_ELEM(2, 0, field) BOOST_PP_TUPLE_ELEM(2, 1, field){};
#define HH_SV2_VISIT(r, _, field) visit(BOOST_PP_STRINGIZE(BOOST_PP_TUPLE_ELEM(2, 1, field)), message.BOOST_PP_TUPLE_ELEM(2, 1, field));
#define HH_SV2_MESSAGE(Name, spec_name, extension, number, channel, ...)                                  \
  struct Name {                                                                                           \
    static constexpr MessageType type{extension, number, channel, spec_name};                             \
    BOOST_PP_SEQ_FOR_EACH(HH_SV2_MEMBER, _, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))                        \
    template <class Message, class Visit>                                                                 \
    static constexpr void each_field(Message& message, Visit&& visit) {                                   \
      BOOST_PP_SEQ_FOR_EACH(HH_SV2_VISIT, _, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))                       \
    }                                                                                                     \
    bool operator==(const Name&) const = default;                                                         \
  };

// Common
HH_SV2_MESSAGE(SetupConnection, "SetupConnection", 0, 0x00, false, (uint8_t, protocol), (uint16_t, min_version), (uint16_t, max_version), (uint32_t, flags), (std::string, endpoint_host),
  (uint16_t, endpoint_port), (std::string, vendor), (std::string, hardware_version), (std::string, firmware), (std::string, device_id))
HH_SV2_MESSAGE(SetupConnectionSuccess, "SetupConnection.Success", 0, 0x01, false, (uint16_t, used_version), (uint32_t, flags))
HH_SV2_MESSAGE(SetupConnectionError, "SetupConnection.Error", 0, 0x02, false, (uint32_t, flags), (std::string, error_code))
HH_SV2_MESSAGE(ChannelEndpointChanged, "ChannelEndpointChanged", 0, 0x03, true, (uint32_t, channel_id))
HH_SV2_MESSAGE(Reconnect, "Reconnect", 0, 0x04, false, (std::string, new_host), (uint16_t, new_port))

// Mining
HH_SV2_MESSAGE(OpenStandardMiningChannel, "OpenStandardMiningChannel", 0, 0x10, false, (uint32_t, request_id), (std::string, user_identity), (F32, nominal_hash_rate), (U256, max_target))
HH_SV2_MESSAGE(OpenStandardMiningChannelSuccess, "OpenStandardMiningChannel.Success", 0, 0x11, false, (uint32_t, request_id), (uint32_t, channel_id), (U256, target),
  (SmallBytes, extranonce_prefix), (uint32_t, group_channel_id))
HH_SV2_MESSAGE(OpenMiningChannelError, "OpenMiningChannel.Error", 0, 0x12, false, (uint32_t, request_id), (std::string, error_code))
HH_SV2_MESSAGE(OpenExtendedMiningChannel, "OpenExtendedMiningChannel", 0, 0x13, false, (uint32_t, request_id), (std::string, user_identity), (F32, nominal_hash_rate), (U256, max_target),
  (uint16_t, min_extranonce_size))
HH_SV2_MESSAGE(OpenExtendedMiningChannelSuccess, "OpenExtendedMiningChannel.Success", 0, 0x14, false, (uint32_t, request_id), (uint32_t, channel_id), (U256, target),
  (uint16_t, extranonce_size), (SmallBytes, extranonce_prefix), (uint32_t, group_channel_id))
HH_SV2_MESSAGE(NewMiningJob, "NewMiningJob", 0, 0x15, true, (uint32_t, channel_id), (uint32_t, job_id), (std::optional<uint32_t>, min_ntime), (uint32_t, version), (U256, merkle_root))
HH_SV2_MESSAGE(UpdateChannel, "UpdateChannel", 0, 0x16, true, (uint32_t, channel_id), (F32, nominal_hash_rate), (U256, maximum_target))
HH_SV2_MESSAGE(UpdateChannelError, "UpdateChannel.Error", 0, 0x17, true, (uint32_t, channel_id), (std::string, error_code))
HH_SV2_MESSAGE(CloseChannel, "CloseChannel", 0, 0x18, true, (uint32_t, channel_id), (std::string, reason_code))
HH_SV2_MESSAGE(SetExtranoncePrefix, "SetExtranoncePrefix", 0, 0x19, true, (uint32_t, channel_id), (SmallBytes, extranonce_prefix))
HH_SV2_MESSAGE(SubmitSharesStandard, "SubmitSharesStandard", 0, 0x1a, true, (uint32_t, channel_id), (uint32_t, sequence_number), (uint32_t, job_id), (uint32_t, nonce), (uint32_t, ntime),
  (uint32_t, version))
HH_SV2_MESSAGE(SubmitSharesExtended, "SubmitSharesExtended", 0, 0x1b, true, (uint32_t, channel_id), (uint32_t, sequence_number), (uint32_t, job_id), (uint32_t, nonce), (uint32_t, ntime),
  (uint32_t, version), (SmallBytes, extranonce))
HH_SV2_MESSAGE(SubmitSharesSuccess, "SubmitShares.Success", 0, 0x1c, true, (uint32_t, channel_id), (uint32_t, last_sequence_number), (uint32_t, new_submits_accepted_count),
  (uint64_t, new_shares_sum))
HH_SV2_MESSAGE(SubmitSharesError, "SubmitShares.Error", 0, 0x1d, true, (uint32_t, channel_id), (uint32_t, sequence_number), (std::string, error_code))
HH_SV2_MESSAGE(NewExtendedMiningJob, "NewExtendedMiningJob", 0, 0x1f, true, (uint32_t, channel_id), (uint32_t, job_id), (std::optional<uint32_t>, min_ntime), (uint32_t, version),
  (bool, version_rolling_allowed), (PathOfU256, merkle_path), (Blob64K, coinbase_tx_prefix), (Blob64K, coinbase_tx_suffix))
HH_SV2_MESSAGE(SetNewPrevHash, "SetNewPrevHash", 0, 0x20, true, (uint32_t, channel_id), (uint32_t, job_id), (U256, prev_hash), (uint32_t, min_ntime), (uint32_t, nbits))
HH_SV2_MESSAGE(SetTarget, "SetTarget", 0, 0x21, true, (uint32_t, channel_id), (U256, maximum_target))
HH_SV2_MESSAGE(SetCustomMiningJob, "SetCustomMiningJob", 0, 0x22, true, (uint32_t, channel_id), (uint32_t, request_id), (Blob255, mining_job_token), (uint32_t, version), (U256, prev_hash),
  (uint32_t, min_ntime), (uint32_t, nbits), (uint32_t, coinbase_tx_version), (Blob255, coinbase_prefix), (uint32_t, coinbase_tx_input_sequence), (Blob64K, coinbase_tx_outputs),
  (uint32_t, coinbase_tx_locktime), (PathOfU256, merkle_path))
HH_SV2_MESSAGE(SetCustomMiningJobSuccess, "SetCustomMiningJob.Success", 0, 0x23, true, (uint32_t, channel_id), (uint32_t, request_id), (uint32_t, job_id))
HH_SV2_MESSAGE(SetCustomMiningJobError, "SetCustomMiningJob.Error", 0, 0x24, true, (uint32_t, channel_id), (uint32_t, request_id), (std::string, error_code))
HH_SV2_MESSAGE(SetGroupChannel, "SetGroupChannel", 0, 0x25, false, (uint32_t, group_channel_id), (ListOfU32, channel_ids))

// Job Declaration
HH_SV2_MESSAGE(AllocateMiningJobToken, "AllocateMiningJobToken", 0, 0x50, false, (std::string, user_identifier), (uint32_t, request_id))
HH_SV2_MESSAGE(AllocateMiningJobTokenSuccess, "AllocateMiningJobToken.Success", 0, 0x51, false, (uint32_t, request_id), (Blob255, mining_job_token), (Blob64K, coinbase_tx_outputs))
HH_SV2_MESSAGE(ProvideMissingTransactions, "ProvideMissingTransactions", 0, 0x55, false, (uint32_t, request_id), (ListOfU16, unknown_tx_position_list))
HH_SV2_MESSAGE(ProvideMissingTransactionsSuccess, "ProvideMissingTransactions.Success", 0, 0x56, false, (uint32_t, request_id), (ListOfBlob16M, transaction_list))
HH_SV2_MESSAGE(DeclareMiningJob, "DeclareMiningJob", 0, 0x57, false, (uint32_t, request_id), (Blob255, mining_job_token), (uint32_t, version), (Blob64K, coinbase_tx_prefix),
  (Blob64K, coinbase_tx_suffix), (ListOfU256, wtxid_list), (Blob64K, excess_data))
HH_SV2_MESSAGE(DeclareMiningJobSuccess, "DeclareMiningJob.Success", 0, 0x58, false, (uint32_t, request_id), (Blob255, new_mining_job_token))
HH_SV2_MESSAGE(DeclareMiningJobError, "DeclareMiningJob.Error", 0, 0x59, false, (uint32_t, request_id), (std::string, error_code), (Blob64K, error_details))
HH_SV2_MESSAGE(PushSolution, "PushSolution", 0, 0x60, false, (SmallBytes, extranonce), (U256, prev_hash), (uint32_t, nonce), (uint32_t, ntime), (uint32_t, nbits), (uint32_t, version))

// Template Distribution
HH_SV2_MESSAGE(CoinbaseOutputConstraints, "CoinbaseOutputConstraints", 0, 0x70, false, (uint32_t, coinbase_output_max_additional_size), (uint16_t, coinbase_output_max_additional_sigops))
HH_SV2_MESSAGE(NewTemplate, "NewTemplate", 0, 0x71, false, (uint64_t, template_id), (bool, future_template), (uint32_t, version), (uint32_t, coinbase_tx_version), (Blob255, coinbase_prefix),
  (uint32_t, coinbase_tx_input_sequence), (uint64_t, coinbase_tx_value_remaining), (uint32_t, coinbase_tx_outputs_count), (Blob64K, coinbase_tx_outputs), (uint32_t, coinbase_tx_locktime),
  (PathOfU256, merkle_path))
HH_SV2_MESSAGE(TemplateSetNewPrevHash, "SetNewPrevHash", 0, 0x72, false, (uint64_t, template_id), (U256, prev_hash), (uint32_t, header_timestamp), (uint32_t, nbits), (U256, target))
HH_SV2_MESSAGE(RequestTransactionData, "RequestTransactionData", 0, 0x73, false, (uint64_t, template_id))
HH_SV2_MESSAGE(RequestTransactionDataSuccess, "RequestTransactionData.Success", 0, 0x74, false, (uint64_t, template_id), (Blob64K, excess_data), (ListOfBlob16M, transaction_list))
HH_SV2_MESSAGE(RequestTransactionDataError, "RequestTransactionData.Error", 0, 0x75, false, (uint64_t, template_id), (std::string, error_code))
HH_SV2_MESSAGE(SubmitSolution, "SubmitSolution", 0, 0x76, false, (uint64_t, template_id), (uint32_t, version), (uint32_t, header_timestamp), (uint32_t, header_nonce), (Blob64K, coinbase_tx))

// Extension 0x0001
HH_SV2_MESSAGE(RequestExtensions, "RequestExtensions", 1, 0x00, false, (uint16_t, request_id), (ListOfU16, requested_extensions))
HH_SV2_MESSAGE(RequestExtensionsSuccess, "RequestExtensions.Success", 1, 0x01, false, (uint16_t, request_id), (ListOfU16, supported_extensions))
HH_SV2_MESSAGE(RequestExtensionsError, "RequestExtensions.Error", 1, 0x02, false, (uint16_t, request_id), (ListOfU16, unsupported_extensions), (ListOfU16, required_extensions))
// clang-format on
#undef HH_SV2_MESSAGE
#undef HH_SV2_VISIT
#undef HH_SV2_MEMBER

using AllMessages =
    std::tuple<SetupConnection, SetupConnectionSuccess, SetupConnectionError, ChannelEndpointChanged, Reconnect, OpenStandardMiningChannel, OpenStandardMiningChannelSuccess,
               OpenMiningChannelError, OpenExtendedMiningChannel, OpenExtendedMiningChannelSuccess, NewMiningJob, UpdateChannel, UpdateChannelError, CloseChannel, SetExtranoncePrefix,
               SubmitSharesStandard, SubmitSharesExtended, SubmitSharesSuccess, SubmitSharesError, NewExtendedMiningJob, SetNewPrevHash, SetTarget, SetCustomMiningJob,
               SetCustomMiningJobSuccess, SetCustomMiningJobError, SetGroupChannel, AllocateMiningJobToken, AllocateMiningJobTokenSuccess, ProvideMissingTransactions,
               ProvideMissingTransactionsSuccess, DeclareMiningJob, DeclareMiningJobSuccess, DeclareMiningJobError, PushSolution, CoinbaseOutputConstraints, NewTemplate,
               TemplateSetNewPrevHash, RequestTransactionData, RequestTransactionDataSuccess, RequestTransactionDataError, SubmitSolution, RequestExtensions, RequestExtensionsSuccess,
               RequestExtensionsError>;

}  // namespace hh::stratum::v2
