// Pins: the SHA-256 of a certificate's public key.
#pragma once
#include <string>

namespace hh::http {

// "sha256//BASE64" of the first certificate in a PEM file, as libcurl's CURLOPT_PINNEDPUBLICKEY wants it. Throws Error(config).
std::string pin_of_certificate(const std::string& path);

}  // namespace hh::http
