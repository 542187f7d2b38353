// $sort: by encoded keys, in memory; with a $limit behind it only the best are kept. More than the
// query's memory goes to sorted runs in spill files, which are merged.
#include "plugins/database-document/stage/sort_stage.h"
#include "plugins/database-document/execute/external_sort.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/metadata.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

class SortSource final : public DocumentSource {
 public:
  SortSource(SourcePtr input, const SortPattern& pattern, uint64_t limit, PipelineContext& context)
      : input_(std::move(input)), pattern_(pattern), sort_(context, "$sort", limit) {}

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      if (input_ != nullptr) Collect();
      size_t n = 0;
      while (n < out.size()) {
        std::optional<ExternalSort::Row> next = sort_.Take();
        if (!next) break;
        out[n++] = BatchDocument::Share(std::move(next->document));
      }
      return n;
    });
  }

 private:
  void Collect() {
    BatchReader reader(std::move(input_));
    std::string key;
    while (const BatchDocument* doc = reader.Next()) {
      key.clear();
      Require(pattern_.AppendKey(doc->view(), &key));
      if (!sort_.IsWorse(key)) sort_.Add(key, *doc);
    }
    input_.reset();
  }

  SourcePtr input_;
  const SortPattern& pattern_;
  ExternalSort sort_;
};

class SortStage final : public Stage {
 public:
  explicit SortStage(SortPattern pattern) : pattern_(std::move(pattern)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<SortSource>(std::move(input), pattern_, limit_, context);
  }
  const SortPattern* Order() const override { return &pattern_; }
  Looks AddPaths(std::vector<std::string>* out) const override {
    for (const SortPattern::Part& part : pattern_.parts()) out->push_back(part.path.text());
    return Looks::kAndHandsOn;
  }
  void BreakTiesById() override { pattern_.BreakTiesById(); }
  void KeepFirst(uint64_t count) override { limit_ = count; }
  uint64_t First() const override { return limit_; }

 private:
  SortPattern pattern_;
  uint64_t limit_ = 0;
};

}  // namespace

StagePtr ParseSortStage(std::string_view name, const bson::Value& spec,
                        const ParseOptions& options) {
  if (name != "$sort") return nullptr;
  if (spec.type() != bson::Type::kObject)
    Fail(15973,
         "the $sort key specification must be an "
         "object");
  for (const bson::Element& e : spec.Doc()) {
    if (spec.Doc()[e.name()].raw().data() == e.raw().data()) continue;
    Fail(7472500,
         "$sort key must not contain duplicate keys (duplicate: '" + std::string(e.name()) + "')");
  }
  if (spec.Doc().empty()) Fail(15976, "$sort stage must have at least one sort key");
  const std::string pattern =
      options.metadata ? SortByMetadata(spec.Doc()) : std::string(AsText(spec.Doc().bytes()));
  return std::make_unique<SortStage>(
      Unwrap(SortPattern::Parse(bson::Document(AsBytes(pattern)), options.collation.get())));
}

SourcePtr OpenSort(SourcePtr input, const SortPattern& pattern, uint64_t limit,
                   PipelineContext& context) {
  return std::make_unique<SortSource>(std::move(input), pattern, limit, context);
}

}  // namespace nexadb::query
