#include "plugins/storage-lsm/encryption/key_ring.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>

#include "core/base/coding.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr std::string_view kPlainWord = "plain";
constexpr std::string_view kIdDomain = "nexadb-lsm key id 1";

std::string_view Trim(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool ParseKey(std::string_view text, SecretKey* key) {
  if (text.size() != kKeyBytes * 2) return false;
  for (size_t i = 0; i < kKeyBytes; ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key->data()[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

KeyId IdOf(const SecretKey& key) {
  uint8_t text[kIdDomain.size() + kKeyBytes];
  std::memcpy(text, kIdDomain.data(), kIdDomain.size());
  std::memcpy(text + kIdDomain.size(), key.data(), kKeyBytes);
  uint8_t digest[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  if (EVP_Digest(text, sizeof(text), digest, &size, EVP_sha256(), nullptr) != 1) return kPlainId;
  return std::max<KeyId>(base::LoadBig<uint64_t>(digest), 1);
}

Status Wrong(std::string_view path, size_t line, std::string_view what) {
  return Invalid(std::string(path) + ":" + std::to_string(line) + ": " + std::string(what));
}

}  // namespace

Result<std::shared_ptr<const KeyRing>> KeyRing::Parse(std::string_view text,
                                                      std::string_view path) {
  auto ring = std::make_shared<KeyRing>();
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (line == kPlainWord && !ring->plain_ && ring->keys_.empty()) {
      ring->plain_ = true;
      continue;
    }
    Master master;
    if (!ParseKey(line, &master.key)) {
      return Wrong(path, number,
                   "not a key: a line holds 64 hexadecimal digits, as `openssl rand -hex 32` "
                   "prints them; `plain` may stand in the first key's place");
    }
    master.id = IdOf(master.key);
    if (master.id == kPlainId) return Status::Error(Code::kInternal, "OpenSSL offers no SHA-256");
    if (ring->Find(master.id) != nullptr) return Wrong(path, number, "this key stands here twice");
    if (ring->keys_.size() == kMasterKeysMax) {
      return Wrong(path, number, "more than " + std::to_string(kMasterKeysMax) + " keys");
    }
    ring->keys_.push_back(master);
  }
  if (ring->keys_.empty()) return Invalid(std::string(path) + ": holds no key");
  return std::shared_ptr<const KeyRing>(std::move(ring));
}

const SecretKey* KeyRing::Find(KeyId id) const {
  const auto at =
      std::find_if(keys_.begin(), keys_.end(), [&](const Master& m) { return m.id == id; });
  return at == keys_.end() ? nullptr : &at->key;
}

std::string KeyIdText(KeyId id) {
  char text[24];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(id));
  return text;
}

}  // namespace nexadb::lsm
