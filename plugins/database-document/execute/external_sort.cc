#include "plugins/database-document/execute/external_sort.h"

#include <algorithm>
#include <cstring>

#include "core/document/error.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

bool Less(const ExternalSort::Row& a, const ExternalSort::Row& b) { return a.key < b.key; }

}  // namespace

// Rows in a spill file: length of the key, the key, the document, again and again.
class ExternalSort::Run {
 public:
  explicit Run(std::unique_ptr<SpillFile> file) : file_(std::move(file)) {}
  void Write(const Row& row) {
    const auto size = static_cast<uint32_t>(row.key.size());
    Require(file_->Append({reinterpret_cast<const uint8_t*>(&size), sizeof(size)}));
    Require(file_->Append(AsBytes(row.key)));
    Require(file_->Append(row.document.bytes()));
  }
  void Rewind() { Require(file_->Rewind()); }
  // Puts the next row into `head`. False at the end.
  bool Read() {
    uint32_t size = 0;
    if (!Exactly(&size, sizeof(size), AtEnd::kAllowed)) return false;
    head.key.resize(size);
    Exactly(head.key.data(), size, AtEnd::kDamage);
    uint32_t bytes = 0;
    Exactly(&bytes, sizeof(bytes), AtEnd::kDamage);
    std::string document(bytes, '\0');
    std::memcpy(document.data(), &bytes, sizeof(bytes));
    Exactly(document.data() + sizeof(bytes), bytes - sizeof(bytes), AtEnd::kDamage);
    head.document = Buffer::Own(std::move(document));
    return true;
  }
  Row head;

 private:
  enum class AtEnd { kAllowed, kDamage };
  bool Exactly(void* to, size_t size, AtEnd at_end) {
    size_t have = 0;
    while (have < size) {
      const std::span<uint8_t> rest(static_cast<uint8_t*>(to) + have, size - have);
      const size_t n = Unwrap(file_->Read(rest));
      if (n == 0 && have == 0 && at_end == AtEnd::kAllowed) return false;
      if (n == 0) Require(MakeError(ErrorId::kCorruption, "a spill file ends within a row"));
      have += n;
    }
    return true;
  }
  std::unique_ptr<SpillFile> file_;
};

ExternalSort::ExternalSort(PipelineContext& context, std::string_view stage, uint64_t limit)
    : context_(context), stage_(stage), limit_(limit) {}
ExternalSort::~ExternalSort() = default;

bool ExternalSort::IsWorse(const std::string& key) const {
  return limit_ != 0 && runs_.empty() && rows_.size() >= limit_ && !(key < rows_.front().key);
}

void ExternalSort::Add(std::string key, const BatchDocument& document) {
  if (IsWorse(key)) return;
  const bool best_only = limit_ != 0 && runs_.empty();
  if (best_only && rows_.size() >= limit_) {
    std::pop_heap(rows_.begin(), rows_.end(), Less);
    bytes_ -= rows_.back().bytes();
    rows_.pop_back();
  }
  rows_.push_back({std::move(key), document.Keep()});
  bytes_ += rows_.back().bytes();
  if (best_only) std::push_heap(rows_.begin(), rows_.end(), Less);
  if (bytes_ > context_.MemoryBytesMax()) Spill();
}

void ExternalSort::Spill() {
  if (runs_.size() == kRunsMax) MergeRuns();
  std::unique_ptr<SpillFile> file = Unwrap(context_.OpenSpillFile());
  if (file == nullptr) CheckMemory(bytes_, context_, stage_);
  std::stable_sort(rows_.begin(), rows_.end(), Less);
  runs_.push_back(std::make_unique<Run>(std::move(file)));
  for (const Row& row : rows_) runs_.back()->Write(row);
  rows_.clear();
  bytes_ = 0;
}

bool ExternalSort::Later(size_t a, size_t b) const {
  const int order = KeyOf(a).compare(KeyOf(b));
  return order != 0 ? order > 0 : a > b;
}

const std::string& ExternalSort::KeyOf(size_t source) const {
  return source < runs_.size() ? runs_[source]->head.key : rows_[next_row_].key;
}

void ExternalSort::Push(size_t source) {
  const bool more = source < runs_.size() ? runs_[source]->Read() : next_row_ < rows_.size();
  if (!more) return;
  heap_.push_back(source);
  std::push_heap(heap_.begin(), heap_.end(), [this](size_t a, size_t b) { return Later(a, b); });
}

ExternalSort::Row ExternalSort::Pop() {
  std::pop_heap(heap_.begin(), heap_.end(), [this](size_t a, size_t b) { return Later(a, b); });
  const size_t source = heap_.back();
  heap_.pop_back();
  Row row = std::move(source < runs_.size() ? runs_[source]->head : rows_[next_row_++]);
  Push(source);
  return row;
}

void ExternalSort::MergeRuns() {
  // What is in memory is sorted and written afterwards, so it takes no part.
  std::vector<Row> rows = std::move(rows_);
  rows_.clear();
  auto merged = std::make_unique<Run>(Unwrap(context_.OpenSpillFile()));
  for (size_t i = 0; i < runs_.size(); ++i) {
    runs_[i]->Rewind();
    Push(i);
  }
  for (size_t n = 0; !heap_.empty(); ++n) {
    if (n % kBatchDocuments == 0) Require(context_.CheckInterrupt());
    merged->Write(Pop());
  }
  runs_.clear();
  runs_.push_back(std::move(merged));
  rows_ = std::move(rows);
}

void ExternalSort::Begin() {
  begun_ = true;
  std::stable_sort(rows_.begin(), rows_.end(), Less);
  for (const auto& run : runs_) run->Rewind();
  for (size_t source = 0; source <= runs_.size(); ++source) Push(source);
}

std::optional<ExternalSort::Row> ExternalSort::Take() {
  if (!begun_) Begin();
  if (heap_.empty() || (limit_ != 0 && taken_ == limit_)) return std::nullopt;
  ++taken_;
  return Pop();
}

}  // namespace nexadb::query
