#include "package/sha256.hpp"

#include <algorithm>
#include <cstring>

namespace eird {
namespace {

constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t rotated(std::uint32_t value, unsigned bits) { return (value >> bits) | (value << (32U - bits)); }

}  // namespace

void Sha256::take_block(const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = static_cast<std::uint32_t>(block[4 * i]) << 24U | static_cast<std::uint32_t>(block[4 * i + 1]) << 16U |
           static_cast<std::uint32_t>(block[4 * i + 2]) << 8U | static_cast<std::uint32_t>(block[4 * i + 3]);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t first = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ (w[i - 15] >> 3U);
    const std::uint32_t second = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ (w[i - 2] >> 10U);
    w[i] = w[i - 16] + first + w[i - 7] + second;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t one = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const std::uint32_t two = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + one;
    d = c;
    c = b;
    b = a;
    a = one + two;
  }
  const std::array<std::uint32_t, 8> added = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state_[i] += added[i];
}

Sha256& Sha256::update(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  bytes_ += bytes;
  while (bytes > 0) {
    if (held_ == 0 && bytes >= rest_.size()) {
      take_block(from);
      from += rest_.size();
      bytes -= rest_.size();
      continue;
    }
    const std::size_t part = std::min(bytes, rest_.size() - held_);
    std::memcpy(rest_.data() + held_, from, part);
    held_ += part;
    from += part;
    bytes -= part;
    if (held_ == rest_.size()) {
      take_block(rest_.data());
      held_ = 0;
    }
  }
  return *this;
}

Sha256::Digest Sha256::finish() {
  const std::uint64_t bits = bytes_ * 8U;
  rest_[held_++] = 0x80;
  if (held_ > 56) {
    std::fill(rest_.begin() + static_cast<std::ptrdiff_t>(held_), rest_.end(), std::uint8_t{0});
    take_block(rest_.data());
    held_ = 0;
  }
  std::fill(rest_.begin() + static_cast<std::ptrdiff_t>(held_), rest_.end(), std::uint8_t{0});
  for (unsigned i = 0; i < 8; ++i) rest_[56 + i] = static_cast<std::uint8_t>(bits >> (56U - 8U * i));
  take_block(rest_.data());
  Digest digest{};
  for (std::size_t i = 0; i < 32; ++i) {
    digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24U - 8U * static_cast<unsigned>(i % 4)));
  }
  return digest;
}

std::string to_hex(const Sha256::Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string sha256_hex(const void* data, std::size_t bytes) { return to_hex(Sha256().update(data, bytes).finish()); }

std::string hmac_sha256_hex(const std::string& key, const std::string& message) {
  std::array<std::uint8_t, 64> inner{};
  if (key.size() > inner.size()) {
    const Sha256::Digest digest = Sha256().update(key.data(), key.size()).finish();
    std::copy(digest.begin(), digest.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  std::array<std::uint8_t, 64> outer = inner;
  for (std::uint8_t& byte : inner) byte ^= 0x36U;
  for (std::uint8_t& byte : outer) byte ^= 0x5cU;
  const Sha256::Digest first =
      Sha256().update(inner.data(), inner.size()).update(message.data(), message.size()).finish();
  return to_hex(Sha256().update(outer.data(), outer.size()).update(first.data(), first.size()).finish());
}

}  // namespace eird
