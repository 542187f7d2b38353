// LINK: storage-lsm.objects nexadb_base
// Key files and envelopes: any bytes give keys or a Status. An envelope opens only when its own
// vault has sealed it, so none that a fuzzer makes does.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/base/checksum.h"
#include "core/base/coding.h"
#include "plugins/storage-lsm/encryption/vault.h"

using namespace nexadb;
using namespace nexadb::lsm;

namespace {

class Zeros final : public Random {
 public:
  virtual ~Zeros() = default;
  void Fill(Span<uint8_t> out) noexcept override { std::memset(out.data(), 0, out.size()); }
};

std::shared_ptr<const KeyRing> OneKey() {
  auto ring = KeyRing::Parse(std::string(kKeyBytes * 2, 'a'), "fuzz");
  if (!ring.ok()) std::abort();
  return *ring;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto ring = KeyRing::Parse(input, "fuzz"); ring.ok()) {
    const KeyId current = (*ring)->current();
    if (current != kPlainId && (*ring)->Find(current) == nullptr) std::abort();
  }
  static const auto keys = OneKey();
  Zeros zeros;
  const Vault vault(zeros, keys);
  static_cast<void>(vault.Unwrap({data, size}, {}, "fuzz", 0));
  // With the checksum and the key's name that no fuzzer would guess.
  uint8_t envelope[kEnvelopeBytes] = {};
  std::copy_n(data, std::min(size, kEnvelopeBytes), envelope);
  base::StoreLittle(envelope, keys->current());
  base::StoreLittle(envelope + kEnvelopeBytes - 8,
                    base::Checksum64(BytesView{envelope, kEnvelopeBytes - 8}));
  if (vault.Unwrap({envelope, kEnvelopeBytes}, {}, "fuzz", 0).ok()) std::abort();
  return 0;
}
