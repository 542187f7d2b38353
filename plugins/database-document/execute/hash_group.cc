// Grouping: a table of ids, and for each group what its fields have come to.
//
// Plain fields are found in one pass over the document; sums and averages are added up beside the
// table, everything else in states of the accumulators' own.
//
// Beyond the query's memory no group is added any more: documents of new groups go to partitions
// on disk, by their id's hash, and each partition is grouped on its own afterwards. Where states
// grow with their documents, all further documents go there; a group's state then waits for its
// partition. A partition that is too large is parted again, by the next bits of the hash.
#include <algorithm>
#include <bit>

#include "plugins/database-document/execute/field_reader.h"
#include "plugins/database-document/execute/group_table.h"
#include "plugins/database-document/execute/spilled_documents.h"
#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/stage/group.h"
#include "plugins/database-document/stage/partial.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

constexpr int kPartitionBits = 4;
constexpr size_t kPartitions = size_t{1} << kPartitionBits;
// After so many partings it is one group that does not fit, and no parting helps.
constexpr int kDepthMax = 10;
// A partition's own groups may take this part of the query's memory.
constexpr size_t kPartitionShare = 4;

size_t PartitionOf(uint64_t hash, int depth) {
  return std::rotl(hash, kPartitionBits * (depth + 1)) & (kPartitions - 1);
}

struct Group {
  OwnedValue id;
  std::vector<std::unique_ptr<AccumulatorState>> states;  // of the fields that are no sums
};

// Groups under construction.
class Groups {
 public:
  explicit Groups(const GroupSpec& spec) : spec_(spec) {
    for (const GroupField& field : spec.fields) {
      sums_of_group_ += field.sums != GroupField::Sums::kNone ? 1 : 0;
    }
  }
  size_t bytes() const { return bytes_; }
  size_t size() const { return groups_.size(); }
  uint32_t Find(const GroupKey& key) const { return table_.Find(key); }
  uint64_t HashOf(uint32_t group) const { return table_.HashOf(group); }

  uint32_t Add(const GroupKey& key, const bson::Value& id) {
    Group group;
    group.id = id ? OwnedValue::Copy(id) : OwnedValue::Null();
    for (const GroupField& field : spec_.fields) {
      if (field.sums != GroupField::Sums::kNone) continue;
      group.states.push_back(field.accumulator->NewState());
      bytes_ += group.states.back()->bytes();
    }
    return Add(key, std::move(group), {});
  }
  // Takes a group over, with its sums.
  void Move(Groups& from, uint32_t group) {
    const Sum* sums = from.sums_.data() + group * sums_of_group_;
    for (const auto& state : from.groups_[group].states) bytes_ += state->bytes();
    Add(from.table_.KeyOf(group), std::move(from.groups_[group]), {sums, sums_of_group_});
  }

  // Adds what later documents have come to, and leaves nothing of it there.
  void Join(Groups& later) {
    for (uint32_t group = 0; group < later.size(); ++group) {
      const uint32_t own = Find(later.table_.KeyOf(group));
      if (own == GroupTable::kNone) {
        Move(later, group);
        continue;
      }
      for (size_t i = 0; i < sums_of_group_; ++i) SumAt(own, i).Join(later.SumAt(group, i));
      auto& states = groups_[own].states;
      for (size_t i = 0; i < states.size(); ++i) {
        const size_t before = states[i]->bytes();
        states[i]->Join(*later.groups_[group].states[i]);
        bytes_ += states[i]->bytes() - before;
      }
    }
  }

  Sum& SumAt(uint32_t group, size_t sum) { return sums_[group * sums_of_group_ + sum]; }
  void Feed(uint32_t group, size_t state, const OwnedValue& value) {
    AccumulatorState& at = *groups_[group].states[state];
    const size_t before = at.bytes();
    at.Add(value);
    bytes_ += at.bytes() - before;
  }
  std::string Finish(uint32_t group) {
    bson::Builder out;
    out.Value("_id", groups_[group].id.view());
    size_t sum = 0;
    size_t state = 0;
    for (const GroupField& field : spec_.fields) {
      OwnedValue value;
      if (field.sums == GroupField::Sums::kNone) {
        value = groups_[group].states[state++]->Finish();
      } else {
        const Sum& at = SumAt(group, sum++);
        value = field.sums == GroupField::Sums::kTotal ? at.Total() : at.Average();
      }
      if (!value.IsMissing()) out.Value(field.accumulator->field, value.view());
    }
    groups_[group].states.clear();
    return out.Finish();
  }

 private:
  uint32_t Add(const GroupKey& key, Group group, std::span<const Sum> sums) {
    bytes_ += sizeof(Group) + sums_of_group_ * sizeof(Sum) + GroupTable::kKeyOverhead +
              key.bytes.size() + group.id.view().bytes().size();
    groups_.push_back(std::move(group));
    if (sums.empty()) {
      sums_.resize(sums_.size() + sums_of_group_);
    } else {
      sums_.insert(sums_.end(), sums.begin(), sums.end());
    }
    return table_.Add(key);
  }

  const GroupSpec& spec_;
  size_t sums_of_group_ = 0;
  GroupTable table_;
  std::vector<Group> groups_;
  std::vector<Sum> sums_;
  size_t bytes_ = 0;
};

// Documents on disk whose ids have the same bits, with the groups of theirs that are begun already.
struct Partition {
  SpilledDocuments documents;
  std::unique_ptr<Groups> begun;
  int depth;
};

// The source of a whole input, or a Partial, which is given no input and never goes to disk: who
// reads parts looks at what they hold.
class GroupSource final : public Partial {
 public:
  GroupSource(SourcePtr input, const GroupSpec& spec, PipelineContext& context)
      : input_(std::move(input)), spec_(spec), context_(context), batch_(kBatchDocuments) {
    PlanFields();
    groups_ = std::make_unique<Groups>(spec_);
  }

  bool Read(DocumentSource& input) override {
    bytes_max_ = SIZE_MAX;
    parted_ = false;
    const size_t n = Unwrap(input.Next(batch_));
    AddBatch(n);
    return n != 0;
  }
  size_t bytes() const override { return groups_->bytes(); }
  void Join(Partial& later) override { groups_->Join(*static_cast<GroupSource&>(later).groups_); }

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&]() -> size_t {
      while (next_ == ready_.size()) {
        if (!GroupMore()) return 0;
      }
      size_t n = 0;
      size_t bytes = 0;
      while (n < out.size() && next_ < ready_.size() && bytes < kBatchBytes) {
        std::string document = groups_->Finish(ready_[next_++]);
        bytes += document.size();
        out[n++] = BatchDocument::Own(std::move(document));
      }
      return n;
    });
  }

 private:
  // Where a field's argument comes from, and where it goes to.
  struct Plan {
    static constexpr uint32_t kNoPath = ~uint32_t{0};
    uint32_t path = kNoPath;
    size_t at = 0;  // which of the group's sums, or of its states
  };
  struct Found {
    bson::Value value;
    PathEnd end = PathEnd::kValue;
  };

  void PlanFields() {
    std::vector<Path> paths;
    const auto place = [&](const std::optional<Path>& path) {
      if (!path || paths.size() == PathReader::kPathsMax) return Plan::kNoPath;
      paths.push_back(*path);
      return static_cast<uint32_t>(paths.size() - 1);
    };
    id_path_ = place(spec_.id_path);
    size_t sums = 0;
    size_t states = 0;
    for (const GroupField& field : spec_.fields) {
      Plan plan;
      plan.path = place(field.path);
      plan.at = field.sums != GroupField::Sums::kNone ? sums++ : states++;
      plans_.push_back(plan);
      grows_ = grows_ || !field.fixed_size;
    }
    found_.resize(paths.size());
    reader_.emplace(paths);
  }

  // Groups the input, or the next partition. False when there is nothing left.
  bool GroupMore() {
    next_ = 0;
    ready_.clear();
    if (!parted_) {
      // All has been read as parts.
    } else if (input_ != nullptr) {
      depth_ = 0;
      bytes_max_ = context_.MemoryBytesMax();
      while (const size_t n = Unwrap(input_->Next(batch_))) AddBatch(n);
      input_.reset();
    } else if (!waiting_.empty()) {
      Partition partition = std::move(waiting_.back());
      waiting_.pop_back();
      depth_ = partition.depth;
      groups_ = std::move(partition.begun);
      bytes_max_ = groups_->bytes() + context_.MemoryBytesMax() / kPartitionShare;
      partition.documents.Rewind();
      while (const size_t n = partition.documents.Read(batch_)) AddBatch(n);
    } else {
      return false;
    }
    Part();
    return true;
  }

  void AddBatch(size_t count) {
    Require(context_.CheckInterrupt());
    for (size_t i = 0; i < count; ++i) Add(batch_[i].view());
  }

  void Add(bson::Document doc) {
    for (Found& found : found_) found = Found();
    reader_->Read(doc, [&](uint32_t path, const bson::Value& value, PathEnd end) {
      found_[path] = {value, end};
      return true;
    });
    OwnedValue evaluated;
    bson::Value id;
    if (id_path_ != Plan::kNoPath && found_[id_path_].end == PathEnd::kValue) {
      id = found_[id_path_].value;
    } else {
      evaluated = spec_.id(doc);
      id = evaluated.view();
    }
    int64_t integer = 0;
    const GroupKey key = GroupKey::Of(id, spec_.collation.get(), &integer, &scratch_);
    uint32_t group = groups_->Find(key);
    if (full_ && (grows_ || group == GroupTable::kNone)) return Spill(key, doc);
    if (group == GroupTable::kNone) group = groups_->Add(key, id);
    for (size_t i = 0; i < plans_.size(); ++i) AddField(spec_.fields[i], plans_[i], group, doc);
    if (groups_->bytes() > bytes_max_ && !full_) BecomeFull();
  }

  void AddField(const GroupField& field, const Plan& plan, uint32_t group, bson::Document doc) {
    const bool sums = field.sums != GroupField::Sums::kNone;
    if (plan.path != Plan::kNoPath && found_[plan.path].end == PathEnd::kValue) {
      const bson::Value& value = found_[plan.path].value;
      if (sums) return groups_->SumAt(group, plan.at).Add(value);
      return groups_->Feed(group, plan.at, OwnedValue::Borrow(value));
    }
    if (sums && field.constant) {
      return groups_->SumAt(group, plan.at).Add(field.constant->view());
    }
    const OwnedValue value = field.accumulator->Argument(doc);
    if (sums) return groups_->SumAt(group, plan.at).Add(value.view());
    groups_->Feed(group, plan.at, value);
  }

  void BecomeFull() {
    // Whether there is a disk at all is asked now, so that the answer does not depend on the rest.
    files_.resize(kPartitions);
    if (depth_ == kDepthMax || !OpenFile(0)) {
      CheckMemory(std::max(groups_->bytes(), context_.MemoryBytesMax() + 1), context_, "$group");
    }
    full_ = true;
  }
  bool OpenFile(size_t partition) {
    std::unique_ptr<SpillFile> file = Unwrap(context_.OpenSpillFile());
    if (file == nullptr) return false;
    files_[partition] = std::make_unique<SpilledDocuments>(std::move(file));
    return true;
  }

  void Spill(const GroupKey& key, bson::Document doc) {
    const size_t partition = PartitionOf(key.hash, depth_);
    if (files_[partition] == nullptr) OpenFile(partition);
    files_[partition]->Add(doc);
  }

  // At the end of the input or of a partition: what is finished, and what has to wait.
  void Part() {
    std::vector<std::unique_ptr<Groups>> begun(files_.size());
    for (size_t p = 0; p < files_.size(); ++p) {
      if (files_[p] != nullptr) begun[p] = std::make_unique<Groups>(spec_);
    }
    for (uint32_t group = 0; group < groups_->size(); ++group) {
      const size_t p = full_ ? PartitionOf(groups_->HashOf(group), depth_) : 0;
      if (full_ && grows_ && begun[p] != nullptr) {
        begun[p]->Move(*groups_, group);
      } else {
        ready_.push_back(group);
      }
    }
    for (size_t p = 0; p < files_.size(); ++p) {
      if (files_[p] == nullptr) continue;
      waiting_.push_back({std::move(*files_[p]), std::move(begun[p]), depth_ + 1});
    }
    files_.clear();
    full_ = false;
    parted_ = true;
  }

  SourcePtr input_;
  const GroupSpec& spec_;
  PipelineContext& context_;
  std::vector<BatchDocument> batch_;
  uint32_t id_path_ = Plan::kNoPath;
  std::vector<Plan> plans_;  // by field
  bool grows_ = false;
  std::optional<PathReader> reader_;
  std::vector<Found> found_;
  std::string scratch_;

  std::unique_ptr<Groups> groups_;
  size_t bytes_max_ = 0;                                  // of groups_
  bool full_ = false;                                     // no group is added any more
  bool parted_ = true;                                    // false: Read was called, Part not yet
  std::vector<std::unique_ptr<SpilledDocuments>> files_;  // by partition; null: none yet
  int depth_ = 0;
  std::vector<Partition> waiting_;
  std::vector<uint32_t> ready_;  // groups to be given
  size_t next_ = 0;
};

}  // namespace

SourcePtr OpenGroup(SourcePtr input, const GroupSpec& spec, PipelineContext& context) {
  return std::make_unique<GroupSource>(std::move(input), spec, context);
}

bool GroupHasPartials(const GroupSpec& spec) {
  return std::all_of(spec.fields.begin(), spec.fields.end(), [](const GroupField& field) {
    return field.sums != GroupField::Sums::kNone || field.accumulator->NewState()->Joins();
  });
}

std::unique_ptr<Partial> NewPartialGroup(const GroupSpec& spec, PipelineContext& context) {
  return std::make_unique<GroupSource>(nullptr, spec, context);
}

}  // namespace nexadb::query
