// FindSource: the documents of a find, in order, cut and projected, and the position to go on from
// later. With a sort by _id, and without a sort where all is asked for, documents come in the order
// of _id. Any other sort is broken by _id, in the direction of its last member, so that every
// document has one place and a position can name it. Without a sort and with a limit they may come
// in the order of the index that finds them, as if that had been asked for: a position names it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plugins/database-document/collection/scan.h"
#include "plugins/database-document/plan/find_request.h"
#include "plugins/database-document/plan/pipeline_context.h"
#include "plugins/database-document/project/projection.h"
#include "plugins/database-document/project/sort.h"

namespace nexadb::database {

// The paths at which a find looks besides its filter: what it keeps and what it sorts by, _id for
// the place of each document. None: anywhere.
std::optional<std::vector<std::string>> PathsOfFind(const query::Projection& projection,
                                                    bson::Document sort);

class FindSource final : public query::DocumentSource {
 public:
  // `after` is a Position of the same request, or empty; error cursor_mismatch when it is
  // another's. The context outlives the source.
  static Result<std::unique_ptr<FindSource>> Open(QueryContext& context, const FindRequest& request,
                                                  std::string_view after);
  Result<size_t> Next(std::span<query::BatchDocument> out) override;
  // Where to go on after the last document given. Empty at the end, and for views.
  std::string Position() const;

 private:
  explicit FindSource(QueryContext& context) : context_(context), stages_(context, "") {}
  Status Prepare(const FindRequest& request, std::string_view after);
  Status OpenOrdered(const FindRequest& request, const EntryPtr& entry, std::string_view after);
  Status OpenSorted(const FindRequest& request, bson::Document sort, const EntryPtr& entry,
                    std::string_view after);
  Status TakeOrderOf(const IndexEntry& index);
  bool IsKeyOrder(bson::Document sort) const;
  void Sort(std::string_view after, bool limited);
  Status OpenView(const FindRequest& request);
  uint64_t FirstWanted() const;
  Status SkipFirst();
  Status LookAhead(std::span<query::BatchDocument> given);
  Status Remember(bson::Document last);
  Status Project(std::span<query::BatchDocument> given) const;

  QueryContext& context_;
  DatabaseContext stages_;
  std::shared_ptr<const query::Matcher> filter_;
  std::unique_ptr<query::Projection> projection_;
  std::unique_ptr<query::Pipeline> sorting_;
  query::SourcePtr input_;
  std::optional<query::SortPattern> position_pattern_;  // none: by _id alone
  std::string own_order_;  // the sort pattern in force, where the query asks for none
  uint64_t fingerprint_ = 0;
  uint64_t skip_ = 0;
  uint64_t remaining_ = 0;  // documents that may still be given
  std::string last_;        // the place of the last document given
  bool keeps_position_ = true;
  bool more_ = true;  // false once it is known that nothing follows
};

}  // namespace nexadb::database
