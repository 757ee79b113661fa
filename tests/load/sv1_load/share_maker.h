// Finds shares of one job for one connection: real ones, whose hash meets the share target, so that a pool has to check them in earnest.
//
// The share difficulty is meant to be so low that nearly every hash is a share. What is the same for all shares of the job (coinbase, merkle
// root, the first 64 bytes of the header, most of the submit line) is done once; a share then costs two or three rounds of SHA-256.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/header.h"
#include "stratum/v1.h"

namespace hh::load {

class ShareMaker {
 public:
  // What a connection was given, and who it is.
  struct Miner {
    BytesView extranonce1;
    size_t extranonce2_size = 0;
    std::string_view user;
    bitcoin::Target target;
    std::optional<uint32_t> version_mask;  // where version rolling was negotiated: all its bits are then sent as zero
  };
  // extranonce2: any number; jobs with the same id would need another one.
  ShareMaker(const stratum::v1::Notify& job, const Miner& miner, uint64_t extranonce2);

  // The line that submits the next share, with that id and a newline, appended to `out`. False where `most_hashes` did not give one.
  bool put_submit(std::string& out, uint64_t id, uint64_t most_hashes = 1u << 20);

  const bitcoin::BlockHeader& header() const { return header_; }  // of the last share
  uint64_t hashes() const { return hashes_; }                     // so far

 private:
  bitcoin::BlockHeader header_;
  bitcoin::Target target_;
  bitcoin::Sha256 first_block_;  // the header's first 64 bytes, hashed
  std::array<uint8_t, 16> rest_{};
  std::string before_nonce_, after_nonce_;  // of the submit line
  uint64_t next_nonce_ = 0, hashes_ = 0;
};

}  // namespace hh::load
