// SHA-256 (FIPS 180-4): what names the files of a package and its engines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace eird {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  Sha256& update(const void* data, std::size_t bytes);
  Digest finish();  // ends the message; nothing may be added after it

 private:
  void take_block(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> rest_{};
  std::size_t held_ = 0;
  std::uint64_t bytes_ = 0;
};

std::string to_hex(const Sha256::Digest& digest);
std::string sha256_hex(const void* data, std::size_t bytes);

// HMAC-SHA-256 (RFC 2104): the seal of an engine.
std::string hmac_sha256_hex(const std::string& key, const std::string& message);

}  // namespace eird
