// QueryContext: what the sources of one running query share: the view that they read and the
// session that pulls them at the moment. A cursor kept for getMore is pulled by other sessions
// later, so sources ask the context and never keep a session. One thread at a time.
#pragma once
#include <string>

#include "plugins/database-document/session/read_scope.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::database {

class QueryContext {
 public:
  QueryContext(SessionImpl& session, std::string database, ReadScopePtr scope)
      : session_(&session), database_(std::move(database)), scope_(std::move(scope)) {}
  SessionImpl& session() const { return *session_; }
  void set_session(SessionImpl& session) { session_ = &session; }
  const std::string& database() const { return database_; }
  ReadScope& scope() const { return *scope_; }
  const ReadScopePtr& scope_ptr() const { return scope_; }
  Status CheckInterrupt() const { return session_->CheckInterrupt(); }
  // allowDiskUse: whether what outgrows the query's memory may go to disk.
  void set_disk_use(bool allowed) { disk_use_ = allowed; }
  bool disk_use() const { return disk_use_; }
  // bypassDocumentValidation: whether what $out and $merge write need not pass validators.
  void set_bypass_validation(bool bypass) { bypass_validation_ = bypass; }
  bool bypass_validation() const { return bypass_validation_; }
  // Whether pipelines may be divided among threads: not within a part of one.
  void set_divisible(bool divisible) { divisible_ = divisible; }
  bool divisible() const { return divisible_; }
  // What filters and pipelines are parsed with, now and when a cursor goes on. Copies `let`.
  void set_parse_options(int64_t now_ms, bson::Document let) {
    now_ms_ = now_ms;
    let_ = std::string(AsText(let.bytes()));
  }
  // How the query compares strings; null: by their bytes.
  void set_collation(query::CollationPtr collation) { collation_ = std::move(collation); }
  const query::Collation* collation() const { return collation_.get(); }
  query::ParseOptions parse_options() const {
    query::ParseOptions options;
    options.now_ms = now_ms_;
    options.cluster_time = (static_cast<uint64_t>(now_ms_ / 1000) << 32) | 1;
    options.let = bson::Document(AsBytes(let_));
    options.collation = collation_;
    return options;
  }

 private:
  SessionImpl* session_;
  std::string database_;
  ReadScopePtr scope_;
  bool disk_use_ = true;
  bool bypass_validation_ = false;
  bool divisible_ = true;
  int64_t now_ms_ = 0;
  std::string let_;
  query::CollationPtr collation_;
};

}  // namespace nexadb::database
