#include "plugins/database-document/plan/explain.h"

#include "plugins/database-document/index/bounds_text.h"
#include "plugins/database-document/plan/advice.h"

namespace nexadb::database {

namespace {

constexpr size_t kIntervalsShownMax = 64;
// What MongoDB calls the field of a wildcard index that holds the path.
constexpr std::string_view kWildcardPath = "$_path";

bool HasFilter(const IndexEntry& index) {
  const bson::Document spec(AsBytes(index.spec));
  return spec["partialFilterExpression"].type() == bson::Type::kObject;
}

void AppendRead(const IndexRead& read, bson::Builder* out) {
  const IndexEntry& index = *read.index;
  out->Text("stage", "IXSCAN").OpenObject("keyPattern");
  size_t at = 0;
  for (const bson::Element& e : index.key()) {
    const IndexRead::Part& part = read.parts[at++];
    if (part.values) out->Int32(kWildcardPath, 1);
    out->Value(part.path, e.value());
  }
  out->Close().Text("indexName", index.name);
  out->Bool("isUnique", index.unique).Bool("isSparse", index.sparse);
  out->Bool("isPartial", HasFilter(index)).Bool("isMultiKey", index.arrays.Any());
  out->Text("direction", read.direction == ScanDirection::kReverse ? "backward" : "forward");
  if (index.collation != nullptr) out->Object("collation", index.collation->spec());
  const TextForm form = index.collation != nullptr ? TextForm::kSortKeys : TextForm::kBytes;
  out->OpenObject("indexBounds");
  for (const IndexRead::Part& part : read.parts) {
    if (part.values) {
      out->OpenArray(kWildcardPath);
      out->Text("0", "[\"" + part.path + "\", \"" + part.path + "\"]").Close();
    }
    out->OpenArray(part.path);
    size_t i = 0;
    for (const KeyInterval& interval : (part.values ? *part.values : part.bounds).intervals()) {
      // A long $in is enough to be recognised.
      if (i == kIntervalsShownMax) break;
      out->Text(std::to_string(i++), IntervalText(interval, form));
    }
    out->Close();
  }
  out->Close().Int64("estimatedKeys", static_cast<int64_t>(read.estimated_keys));
}

// What names the documents: below FETCH.
void AppendReads(const QueryPlan& plan, bson::Builder* out) {
  if (plan.kind == QueryPlan::Kind::kIndex) return AppendRead(plan.reads[0], out);
  out->Text("stage", "OR").OpenArray("inputStages");
  for (size_t i = 0; i < plan.reads.size(); ++i) {
    out->OpenObject(std::to_string(i));
    AppendRead(plan.reads[i], out);
    out->Close();
  }
  out->Close();
}

void AppendDocuments(const QueryPlan& plan, bson::Document filter, bson::Builder* out) {
  out->Text("stage", StageOf(plan));
  if (plan.kind == QueryPlan::Kind::kNothing) return;
  if (!filter.empty() && !plan.covered) out->Object("filter", filter);
  if (plan.reads.empty()) {
    const bool reverse = plan.collection.direction == ScanDirection::kReverse;
    out->Text("direction", reverse ? "backward" : "forward");
    return;
  }
  out->OpenObject("inputStage");
  AppendReads(plan, out);
  // Of an entry, not of its document.
  if (plan.covered && !plan.reads[0].exact) out->Object("filter", filter);
  out->Close();
}

}  // namespace

std::string_view StageOf(const QueryPlan& plan) {
  if (plan.kind == QueryPlan::Kind::kNothing) return "EOF";
  if (plan.covered) return "PROJECTION_COVERED";
  if (!plan.reads.empty()) return "FETCH";
  if (plan.collection.single_id) return "IDHACK";
  const bool by_id =
      plan.collection.kind == AccessPath::Kind::kIdLookup || plan.collection.narrowed;
  return by_id ? "CLUSTERED_IXSCAN" : "COLLSCAN";
}

void AppendPlan(const QueryPlan& plan, const query::Matcher& filter, bson::Document sort,
                bson::Builder* out) {
  out->OpenObject("winningPlan");
  if (sort.empty() || plan.sorted || plan.kind == QueryPlan::Kind::kNothing) {
    AppendDocuments(plan, filter.Source(), out);
  } else {
    out->Text("stage", "SORT").Object("sortPattern", sort).OpenObject("inputStage");
    AppendDocuments(plan, filter.Source(), out);
    out->Close();
  }
  if (plan.cost > 0) out->Double("estimatedCost", plan.cost);
  if (plan.sampled_share) out->Double("sampledSelectivity", *plan.sampled_share);
  out->Close();
  if (const std::string key = AdviseIndex(plan, filter); !key.empty()) {
    out->OpenObject("indexAdvice").Object("key", bson::Document(AsBytes(key))).Close();
  }
  out->OpenArray("rejectedPlans");
  for (size_t i = 0; i < plan.rejected.size(); ++i) {
    const RejectedPlan& rejected = plan.rejected[i];
    out->OpenObject(std::to_string(i)).Text("indexName", rejected.index);
    out->Text("reason", rejected.reason);
    if (rejected.cost > 0) out->Double("estimatedCost", rejected.cost);
    out->Close();
  }
  out->Close();
}

}  // namespace nexadb::database
