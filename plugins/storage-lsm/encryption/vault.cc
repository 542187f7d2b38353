#include "plugins/storage-lsm/encryption/vault.h"

#include "core/base/checksum.h"
#include "core/base/coding.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// The envelope's parts, as FORMAT.md lists them.
constexpr size_t kNonceAt = 8;
constexpr size_t kWrappedAt = 20;
constexpr size_t kTagAt = 52;
constexpr size_t kChecksumAt = 72;

Status Missing(KeyId id, std::string_view path, std::string_view why) {
  std::string text(path);
  text.append(": encrypted with master key ").append(KeyIdText(id)).append(why);
  return Status::Error(Code::kPermissionDenied, text.append("; nothing was changed"));
}

}  // namespace

Status Vault::CheckKey(KeyId id, std::string_view path) const {
  if (id == kPlainId || (keys_ != nullptr && keys_->Find(id) != nullptr)) return Status::Ok();
  if (keys_ == nullptr) return NoKeys(id, path);
  return Missing(id, path, ", which encryption_key_file does not hold: add the key to that file");
}

Status Vault::NoKeys(KeyId id, std::string_view path) {
  return Missing(id, path, ", and no encryption_key_file is configured");
}

Result<std::unique_ptr<FileCipher>> Vault::NewCipher() const {
  SecretKey key;
  random_.Fill(key.span());
  return FileCipher::Make(key);
}

Result<std::string> Vault::Wrap(const FileCipher& cipher, BytesView bound) const {
  auto master = FileCipher::Make(*keys_->Find(current()));
  if (!master.ok()) return master.status();
  std::string envelope(kEnvelopeBytes, '\0');
  auto* p = reinterpret_cast<uint8_t*>(envelope.data());
  base::StoreLittle(p, current());
  // A master key seals many keys in many processes: only chance keeps their nonces apart, and 96
  // random bits do so for 2^32 files.
  Nonce nonce;
  random_.Fill({nonce.data(), nonce.size()});
  std::memcpy(p + kNonceAt, nonce.data(), nonce.size());
  std::memcpy(p + kWrappedAt, cipher.key().data(), kKeyBytes);
  LSM_RETURN_IF_ERROR((*master)->Seal(nonce, bound, {p + kWrappedAt, kKeyBytes}, p + kTagAt));
  base::StoreLittle(p + kChecksumAt, base::Checksum64(BytesView{p, kChecksumAt}));
  return envelope;
}

Result<std::unique_ptr<FileCipher>> Vault::Unwrap(BytesView envelope, BytesView bound,
                                                  std::string_view path, uint64_t offset) const {
  KeyId id = kPlainId;
  if (!ReadEnvelopeKey(envelope, &id)) return Corruption(path, offset, "damaged key envelope");
  if (Status missing = CheckKey(id, path); !missing.ok()) return missing;
  auto master = FileCipher::Make(*keys_->Find(id));
  if (!master.ok()) return master.status();
  const uint8_t* p = envelope.data();
  Nonce nonce;
  std::memcpy(nonce.data(), p + kNonceAt, nonce.size());
  SecretKey key;
  std::memcpy(key.data(), p + kWrappedAt, kKeyBytes);
  if (!(*master)->Open(nonce, bound, key.span(), p + kTagAt)) {
    return Corruption(path, offset, "key envelope of another file, or forged,");
  }
  return FileCipher::Make(key);
}

bool ReadEnvelopeKey(BytesView envelope, KeyId* id) {
  if (envelope.size() != kEnvelopeBytes) return false;
  const uint8_t* p = envelope.data();
  *id = base::LoadLittle<uint64_t>(p);
  return *id != kPlainId && base::LoadLittle<uint64_t>(p + kChecksumAt) ==
                                base::Checksum64(envelope.Sub(0, kChecksumAt));
}

}  // namespace nexadb::lsm
