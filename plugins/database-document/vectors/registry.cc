#include "plugins/database-document/vectors/registry.h"

#include <array>
#include <cstring>

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/vectors/record.h"

namespace nexadb::database {

namespace {

// Document numbers taken from storage at once. What a restart leaves unused is never handed out.
constexpr uint64_t kLeaseRows = 1024;
constexpr int kLeaseAttemptsMax = 100;
constexpr size_t kFillRows = 256;
// Old versions cost the index memory, asking it to forget costs it time.
constexpr uint64_t kForgetEvery = 64;

}  // namespace

bool VectorRegistry::Offers(std::string_view kind) const {
  for (const auto& provider : environment_.vector_providers) {
    if (provider && std::string_view(provider->Kind()) == kind) return true;
  }
  return false;
}

CollectionVectorsPtr VectorRegistry::Of(uint32_t collection_id) {
  std::lock_guard lock(mutex_);
  CollectionVectorsPtr& slot = collections_[collection_id];
  if (slot == nullptr) slot = std::make_shared<CollectionVectors>();
  return slot;
}

void VectorRegistry::Erase(uint32_t collection_id) {
  std::lock_guard lock(mutex_);
  collections_.erase(collection_id);
}

void VectorRegistry::Reset(uint32_t collection_id) {
  const CollectionVectorsPtr vectors = Of(collection_id);
  std::unique_lock lock(vectors->turn);
  vectors->index.reset();
}

Result<uint64_t> VectorRegistry::NewRow(uint32_t collection_id) {
  const CollectionVectorsPtr vectors = Of(collection_id);
  std::lock_guard lock(vectors->lease_mutex);
  if (vectors->next_row < vectors->lease_end) return vectors->next_row++;
  const std::string key = SpacePrefix(collection_id, Space::kRowLease);
  for (int attempt = 0; attempt < kLeaseAttemptsMax; ++attempt) {
    auto transaction = environment_.store().Begin({});
    if (!transaction.ok()) return transaction.status();
    uint64_t next = 0;
    auto stored = (*transaction)->Get(AsBytes(key), {});
    if (stored.ok() && stored->size() == sizeof(next)) {
      std::memcpy(&next, stored->bytes().data(), sizeof(next));
    } else if (!stored.ok() && stored.status().code() != Code::kNotFound) {
      return stored.status();
    }
    const uint64_t end = next + kLeaseRows;
    const Mutation put{
        Mutation::Op::kPut, 0, AsBytes(key), {reinterpret_cast<const uint8_t*>(&end), sizeof(end)}};
    Status status = (*transaction)->Write(Span<const Mutation>(&put, 1));
    if (!status.ok()) return status;
    auto committed = (*transaction)->Commit({});
    if (committed.ok()) {
      vectors->next_row = next;
      vectors->lease_end = end;
      return vectors->next_row++;
    }
    if (committed.status().code() != Code::kConflict) return committed.status();
  }
  return MakeError(ErrorId::kBusy, "no document number could be leased");
}

Result<Handle<VectorIndex>> VectorRegistry::OpenIndex(const CollectionEntry& entry) {
  for (const auto& provider : environment_.vector_providers) {
    if (!provider || std::string_view(provider->Kind()) != entry.vector->index) continue;
    VectorIndexSpec spec;
    spec.dimensions = entry.vector->dimensions;
    spec.metric = entry.vector->metric;
    spec.options = AsBytes(entry.vector->index_options);
    const std::string directory =
        environment_.data_directory + "/vectors/" + std::to_string(entry.id);
    return provider->Open(directory, spec);
  }
  return MakeError(ErrorId::kVectorIndexUnavailable, "no plugin offers the vector index '" +
                                                         entry.vector->index + "' of " +
                                                         Namespace(entry.database, entry.name));
}

Status VectorRegistry::Fill(const CollectionEntry& entry, CollectionVectors& vectors) {
  auto index = OpenIndex(entry);
  if (!index.ok()) return index.status();
  auto snapshot = environment_.store().OpenSnapshot();
  if (!snapshot.ok()) return snapshot.status();
  const KeySpan span = SpaceSpan(entry.id, Space::kVector);
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  auto cursor = (*snapshot)->Scan(options);
  if (!cursor.ok()) return cursor.status();
  const uint64_t sequence = (*snapshot)->Sequence();
  std::array<Row, kFillRows> rows;
  std::vector<VectorChange> changes;
  std::vector<std::vector<float>> copies;
  for (;;) {
    auto count = (*cursor)->Next(rows);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    changes.clear();
    copies.clear();
    copies.reserve(*count);
    for (size_t i = 0; i < *count; ++i) {
      auto record = DecodeVector(rows[i].value, entry.vector->dimensions);
      if (!record.ok()) return record.status();
      copies.push_back(std::move(record->vector));
      changes.push_back({VectorChange::Op::kPut, 0, RowOfKey(rows[i].key), copies.back()});
    }
    if (Status status = (*index)->Apply(sequence, changes); !status.ok()) return status;
  }
  vectors.applied = sequence;
  vectors.index = {index->Detach(), [](VectorIndex* i) { i->Release(); }};
  return {};
}

Result<std::shared_ptr<VectorIndex>> VectorRegistry::Ready(const CollectionEntry& entry,
                                                           CollectionVectors& vectors) {
  {
    // Taking the turn waits for commits that are in storage but not in the index yet.
    std::shared_lock lock(vectors.turn);
    if (vectors.index) return vectors.index;
  }
  std::unique_lock lock(vectors.turn);
  if (!vectors.index) {
    if (Status status = Fill(entry, vectors); !status.ok()) return status;
  }
  return vectors.index;
}

uint64_t VectorRegistry::OldestPin(uint64_t otherwise) {
  std::lock_guard lock(mutex_);
  return pins_.empty() ? otherwise : std::min(*pins_.begin(), otherwise);
}

VectorRegistry::Pin::Pin(VectorRegistry& registry) : registry_(registry) {
  std::lock_guard lock(registry.mutex_);
  at_ = registry.pins_.insert(0);
}

VectorRegistry::Pin::~Pin() {
  std::lock_guard lock(registry_.mutex_);
  registry_.pins_.erase(at_);
}

void VectorRegistry::Pin::MoveTo(uint64_t sequence) {
  std::lock_guard lock(registry_.mutex_);
  registry_.pins_.erase(at_);
  at_ = registry_.pins_.insert(sequence);
}

VectorRegistry::CommitTurn::CommitTurn(VectorRegistry& registry,
                                       const std::vector<PendingVector>& changes)
    : registry_(registry) {
  for (const PendingVector& change : changes) {
    Touched& touched = touched_[change.entry->id];
    if (touched.vectors == nullptr) touched.vectors = registry.Of(change.entry->id);
    const auto op = change.vector.empty() ? VectorChange::Op::kErase : VectorChange::Op::kPut;
    touched.changes.push_back({op, 0, change.row, change.vector});
  }
  for (auto& [id, touched] : touched_) {
    touched.lock = std::unique_lock(touched.vectors->turn);
  }
}

void VectorRegistry::CommitTurn::Apply(uint64_t sequence) {
  for (auto& [id, touched] : touched_) {
    CollectionVectors& vectors = *touched.vectors;
    if (!vectors.index) continue;  // its first use reads them from storage
    if (!vectors.index->Apply(sequence, touched.changes).ok()) {
      vectors.index.reset();
      continue;
    }
    vectors.applied = sequence;
    if (sequence % kForgetEvery == 0) vectors.index->Forget(registry_.OldestPin(sequence));
  }
}

}  // namespace nexadb::database
