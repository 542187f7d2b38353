// LINK: storage-lsm.objects nexadb_base
// The write-ahead log's reader and the batches within: any bytes give records or a Status. The
// input stands behind an intact header, whose checksum no fuzzer would guess; a second pass seals
// it as one intact record, so that the batch decoder sees it too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base/checksum.h"
#include "plugins/storage-lsm/log/batch_record.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/testing/memory_file.h"

namespace {

using namespace nexadb;
using namespace nexadb::lsm;

std::string Header() {
  LogHeader header;
  header.number = 7;
  header.generation = 99;
  std::string bytes(kLogHeaderBytes, '\0');
  EncodeLogHeader(header, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

std::string Sealed(std::string_view payload, uint64_t generation) {
  std::string record(kLogRecordHeaderBytes, '\0');
  record.append(payload);
  LogRecordHeader header;
  header.size = static_cast<uint32_t>(payload.size());
  header.checksum = base::Checksum64(AsBytes(payload), LogSeed(generation, kLogHeaderBytes));
  EncodeLogRecordHeader(header, generation, kLogHeaderBytes,
                        reinterpret_cast<uint8_t*>(record.data()));
  return record;
}

uint64_t ReadAll(std::string bytes) {
  testing::MemoryFile file(std::move(bytes));
  LogReader reader(file, "fuzz");
  if (!reader.Open(LogType::kWal, 7).ok()) return 0;
  uint64_t entries = 0;
  BytesView payload;
  for (;;) {
    auto more = reader.Next(&payload);
    if (!more.ok() || !*more) return entries;
    BatchReader batch(payload);
    Sequence first = 0;
    uint32_t count = 0;
    Entry entry;
    if (!batch.ReadHeader(&first, &count)) continue;
    while (count-- > 0 && batch.ReadEntry(&entry)) entries += 1 + entry.key.size() * 0;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ReadAll(std::string(input));
  ReadAll(Header().append(input));
  if (size > 0) ReadAll(Header().append(Sealed(input, 99)));
  // What a recycled file holds of its former life is no record.
  if (size > 0 && ReadAll(Header().append(Sealed(input, 98))) != 0) std::abort();
  return 0;
}
