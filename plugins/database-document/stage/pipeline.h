// Aggregation pipelines: parsed into stages, opened into a chain of sources that are pulled in
// batches. The database implements PipelineContext: where collections come from, what the caller
// may touch, and how results are written. One thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/value/owned.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

// What a sort or a group keeps in memory unless the context says otherwise.
constexpr size_t kStageMemoryBytesDefault = size_t{64} << 20;
constexpr size_t kBatchDocuments = 256;

// How many parts a source is to be divided into, and how many threads will read them.
struct Division {
  size_t parts = 1;
  size_t threads = 1;
};

// Documents, pulled in batches. Destroying it ends the query.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  // Fills up to out.size() documents and returns how many; 0 at the end, and ever after.
  // Borrowed documents live until the next call.
  virtual Result<size_t> Next(std::span<BatchDocument> out) = 0;
  // Passes over up to `most` documents and says how many; 0 at the end. Cheaper than Next where
  // they need not be made.
  virtual Result<size_t> Pass(size_t most);
  // The same documents as several sources, in order, that different threads may read at a time;
  // none where there are too few documents for that, or no way to. REQUIRES: nothing was read yet.
  // The parts die before this source does, which is not read itself unless they are given up.
  virtual Result<std::vector<std::unique_ptr<DocumentSource>>> Divide(const Division& into);
};
using SourcePtr = std::unique_ptr<DocumentSource>;

// A place to put what does not fit into memory: written first, then read from the start, as often
// as Rewind is called. Append is not called after Rewind.
class SpillFile {
 public:
  virtual ~SpillFile() = default;
  virtual Status Append(BytesView bytes) = 0;
  virtual Status Rewind() = 0;
  // Up to out.size() bytes; 0 at the end.
  virtual Result<size_t> Read(std::span<uint8_t> out) = 0;
};

// What a pipeline needs of the database around it. Outlives every source opened with it.
class PipelineContext {
 public:
  virtual ~PipelineContext() = default;
  // All documents of a collection of the query's database that match `filter` (empty: all);
  // a missing collection is empty, a view is resolved. Fails when the caller may not read it.
  virtual Result<SourcePtr> OpenCollection(std::string_view collection, bson::Document filter) = 0;
  // A stage that only the database knows ($collStats, $indexStats, $out, $merge, …): `stage` is
  // the whole stage, `input` the source before it (null when it is the first). Checked by
  // ParseDatabaseStage when the pipeline is parsed.
  virtual Result<SourcePtr> OpenDatabaseStage(bson::Document stage, SourcePtr input) = 0;
  // OK when the stage is one of the database's and well-formed; `first` and `last` say where it
  // stands. Code 40324 for a name that nobody knows.
  virtual Status ParseDatabaseStage(bson::Document stage, bool first, bool last) = 0;
  // Fails when the query was cancelled or ran out of time. Called about once per batch.
  virtual Status CheckInterrupt() = 0;
  virtual size_t MemoryBytesMax() const { return kStageMemoryBytesDefault; }
  // Null when there is nowhere to spill to: stages then fail at MemoryBytesMax().
  virtual Result<std::unique_ptr<SpillFile>> OpenSpillFile() {
    return std::unique_ptr<SpillFile>();
  }
};

class Stage;
class Partial;

class Pipeline {
 public:
  // `stages` is the array's content. The context is borrowed until the pipeline dies.
  static Result<std::unique_ptr<Pipeline>> Parse(bson::Document stages, PipelineContext& context,
                                                 const ParseOptions& options);
  ~Pipeline();
  // Takes the $match that the pipeline begins with out of it, as a filter for the scan; several
  // are joined by $and. None when it begins otherwise.
  std::optional<std::string> TakeLeadingMatch();
  // The $sort that the pipeline begins with, and how many of its first documents are wanted (0: all
  // of them); a null pattern when it begins otherwise. Borrowed until it is changed.
  struct LeadingSort {
    const SortPattern* pattern = nullptr;
    uint64_t first = 0;
  };
  LeadingSort leading_sort() const noexcept;
  // Equal documents come by _id then, as SortPattern::BreakTiesById says. Without a leading $sort
  // nothing changes.
  void BreakLeadingTies();
  // The input is in that order already. REQUIRES: the pipeline begins with a $sort.
  void DropLeadingSort();
  // The paths of its input's documents at which it looks; none: it may look anywhere.
  std::optional<std::vector<std::string>> InputPaths() const;
  // True when the first stage brings its own documents ($documents, $collStats, …): Open then
  // wants no input.
  bool BringsDocuments() const noexcept;
  bool empty() const noexcept { return stages_.empty(); }
  // The name of the last stage ("$out"), or empty.
  std::string_view LastStageName() const noexcept;
  // Collections that stages read besides the input ($lookup, $unionWith, $graphLookup).
  std::vector<std::string> ForeignCollections() const;
  // Builds the chain over `input`. The pipeline must outlive the source.
  Result<SourcePtr> Open(SourcePtr input);
  // True when it begins with stages that treat each document alone, if any, and then one whose
  // result can be made of those of parts of its input (stage/partial.h).
  bool HasParts() const noexcept;
  // A part of the input on its way through these stages, and what is to read it. Each part is
  // opened by a pipeline of its own, parsed from the same text. REQUIRES: HasParts().
  struct Part {
    SourcePtr documents;
    std::unique_ptr<Partial> result;
  };
  Result<Part> OpenPart(SourcePtr input);
  // The chain behind, over the joined results. REQUIRES: HasParts().
  Result<SourcePtr> OpenJoined(std::unique_ptr<Partial> joined);

 private:
  explicit Pipeline(PipelineContext& context);
  // How many stages there are before the one that reads parts; none when there is none.
  std::optional<size_t> StagesBeforeParts() const noexcept;
  PipelineContext& context_;
  std::vector<std::unique_ptr<Stage>> stages_;
};

}  // namespace nexadb::query
