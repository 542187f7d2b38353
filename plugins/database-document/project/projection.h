// Compiled projections of find and of $project, $addFields and $unset.
//
// Inclusion keeps the document's field order; computed fields follow. A projection copies what it
// needs of its specification. Applying fails only where an expression does. One thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

class ProjectionProgram;

class Projection {
 public:
  // find's: adds $slice, $elemMatch and the positional "path.$", whose query is `filter`.
  static Result<std::unique_ptr<Projection>> ParseFind(bson::Document spec, bson::Document filter,
                                                       const ParseOptions& options);
  // $project.
  static Result<std::unique_ptr<Projection>> ParseProject(bson::Document spec,
                                                          const ParseOptions& options);
  // $addFields and $set.
  static Result<std::unique_ptr<Projection>> ParseAddFields(bson::Document spec,
                                                            const ParseOptions& options);
  ~Projection();
  bool NeedsPosition() const noexcept;
  bool IsEmpty() const noexcept;  // keeps documents as they are
  // The paths that it keeps, where it keeps some as they are and does no more; none: it may look
  // anywhere.
  std::optional<std::vector<std::string>> KeptPaths() const;
  Result<std::string> Apply(bson::Document doc, const MatchDetails& details = {}) const;

 private:
  Projection();
  std::unique_ptr<ProjectionProgram> program_;
};

}  // namespace nexadb::query
