// $sort: by encoded keys, in memory; with a $limit behind it only the best are kept. More than the
// query's memory goes to sorted runs in spill files, which are merged.
#include <algorithm>
#include <queue>

#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/sort_stage.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

struct Keyed {
  std::string key;
  Buffer document;
  size_t bytes() const { return key.size() + document.size() + sizeof(Keyed); }
};

bool Less(const Keyed& a, const Keyed& b) { return a.key < b.key; }

// A sorted run in a spill file: key length, key, document, again and again.
class Run {
 public:
  explicit Run(std::unique_ptr<SpillFile> file) : file_(std::move(file)) {}
  void Write(const std::vector<Keyed>& sorted) {
    for (const Keyed& k : sorted) {
      const auto size = static_cast<uint32_t>(k.key.size());
      Require(file_->Append({reinterpret_cast<const uint8_t*>(&size), sizeof(size)}));
      Require(file_->Append(AsBytes(k.key)));
      Require(file_->Append(k.document.bytes()));
    }
    Require(file_->Rewind());
  }
  // False at the end.
  bool Read() {
    uint32_t size = 0;
    if (!Exactly(reinterpret_cast<uint8_t*>(&size), sizeof(size))) return false;
    head.key.resize(size);
    Exactly(reinterpret_cast<uint8_t*>(head.key.data()), size);
    uint32_t bytes = 0;
    Exactly(reinterpret_cast<uint8_t*>(&bytes), sizeof(bytes));
    std::string document(bytes, '\0');
    std::memcpy(document.data(), &bytes, sizeof(bytes));
    Exactly(reinterpret_cast<uint8_t*>(document.data()) + sizeof(bytes), bytes - sizeof(bytes));
    head.document = Buffer::Own(std::move(document));
    return true;
  }
  Keyed head;

 private:
  bool Exactly(uint8_t* to, size_t size) {
    size_t have = 0;
    while (have < size) {
      const size_t n = Unwrap(file_->Read({to + have, size - have}));
      if (n == 0) return false;
      have += n;
    }
    return true;
  }
  std::unique_ptr<SpillFile> file_;
};

class SortSource final : public DocumentSource {
 public:
  SortSource(SourcePtr input, const SortPattern& pattern, uint64_t limit, PipelineContext& context)
      : input_(std::move(input)), pattern_(pattern), limit_(limit), context_(context) {}

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      if (input_ != nullptr) Collect();
      size_t n = 0;
      while (n < out.size()) {
        std::optional<Keyed> next = Take();
        if (!next) break;
        out[n++] = BatchDocument::Share(std::move(next->document));
      }
      return n;
    });
  }

 private:
  void Collect() {
    BatchReader reader(std::move(input_));
    while (const BatchDocument* doc = reader.Next()) {
      Keyed k;
      Require(pattern_.AppendKey(doc->view(), &k.key));
      if (limit_ != 0 && rows_.size() >= limit_ && runs_.empty()) {
        // A heap of the best: the worst of them goes when a better one comes.
        if (!(k.key < rows_.front().key)) continue;
        std::pop_heap(rows_.begin(), rows_.end(), Less);
        bytes_ -= rows_.back().bytes();
        rows_.pop_back();
      }
      k.document = doc->Keep();
      bytes_ += k.bytes();
      rows_.push_back(std::move(k));
      if (limit_ != 0 && runs_.empty()) std::push_heap(rows_.begin(), rows_.end(), Less);
      if (bytes_ > context_.MemoryBytesMax()) Spill();
    }
    input_.reset();
    std::stable_sort(rows_.begin(), rows_.end(), Less);
    std::erase_if(runs_, [](std::unique_ptr<Run>& run) { return !run->Read(); });
  }

  void Spill() {
    std::unique_ptr<SpillFile> file = Unwrap(context_.OpenSpillFile());
    if (file == nullptr) CheckMemory(bytes_, context_, "$sort");
    std::stable_sort(rows_.begin(), rows_.end(), Less);
    runs_.push_back(std::make_unique<Run>(std::move(file)));
    runs_.back()->Write(rows_);
    rows_.clear();
    bytes_ = 0;
  }

  // The least of all runs' heads and of what is in memory; runs are older, so they win ties.
  std::optional<Keyed> Take() {
    if (limit_ != 0 && taken_ == limit_) return std::nullopt;
    size_t best = runs_.size();
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (best == runs_.size() || Less(runs_[i]->head, runs_[best]->head)) best = i;
    }
    const bool memory = at_ < rows_.size();
    if (best == runs_.size() && !memory) return std::nullopt;
    ++taken_;
    if (best == runs_.size() || (memory && Less(rows_[at_], runs_[best]->head))) {
      return std::move(rows_[at_++]);
    }
    Keyed next = std::move(runs_[best]->head);
    if (!runs_[best]->Read()) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(best));
    return next;
  }

  SourcePtr input_;
  const SortPattern& pattern_;
  const uint64_t limit_;
  PipelineContext& context_;
  std::vector<Keyed> rows_;
  std::vector<std::unique_ptr<Run>> runs_;
  size_t bytes_ = 0;
  size_t at_ = 0;
  uint64_t taken_ = 0;
};

class SortStage final : public Stage {
 public:
  explicit SortStage(SortPattern pattern) : pattern_(std::move(pattern)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<SortSource>(std::move(input), pattern_, limit_, context);
  }
  void KeepFirst(uint64_t count) override { limit_ = count; }

 private:
  SortPattern pattern_;
  uint64_t limit_ = 0;
};

}  // namespace

StagePtr ParseSortStage(std::string_view name, const bson::Value& spec, const ParseOptions&) {
  if (name != "$sort") return nullptr;
  if (spec.type() != bson::Type::kObject)
    Fail(15973,
         "the $sort key specification must be an "
         "object");
  if (spec.Doc().empty()) Fail(15976, "$sort stage must have at least one sort key");
  return std::make_unique<SortStage>(Unwrap(SortPattern::Parse(spec.Doc())));
}

SourcePtr OpenSort(SourcePtr input, const SortPattern& pattern, uint64_t limit,
                   PipelineContext& context) {
  return std::make_unique<SortSource>(std::move(input), pattern, limit, context);
}

}  // namespace nexadb::query
