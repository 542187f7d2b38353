// The handlers of the route table, by the file that they stand in.
#pragma once
#include "nexadb/abi.h"

namespace nexadb::rest {

class Request;

// service.cc
Status GetStatus(Request& request);
Status GetHealth(Request& request);
Status GetReadiness(Request& request);
Status GetStats(Request& request);
Status GetMetrics(Request& request);
Status GetError(Request& request);
Status ListPlugins(Request& request);
Status GetPlugin(Request& request);
Status GetConfig(Request& request);
// operations.cc
Status ListQueries(Request& request);
Status EndQuery(Request& request);
Status ListSlowQueries(Request& request);
Status ListTasks(Request& request);
Status GetTask(Request& request);
Status CancelTask(Request& request);
Status Compact(Request& request);
Status ListBackups(Request& request);
Status CreateBackup(Request& request);
Status GetBackup(Request& request);
Status DeleteBackup(Request& request);
Status VerifyBackup(Request& request);
Status RestoreBackup(Request& request);
// openapi.cc
Status GetOpenApi(Request& request);
// collections.cc
Status ListCollections(Request& request);
Status CreateCollection(Request& request);
Status ChangeCollection(Request& request);
Status DropCollection(Request& request);
Status GetCollectionStats(Request& request);
Status ListDatabases(Request& request);
Status DropDatabase(Request& request);
// schema.cc
Status GetSchema(Request& request);
Status GetValidator(Request& request);
Status PutValidator(Request& request);
// changes.cc
Status FollowChanges(Request& request);
// documents.cc
Status InsertDocument(Request& request);
Status GetDocument(Request& request);
Status PutDocument(Request& request);
Status PatchDocument(Request& request);
Status DeleteDocument(Request& request);
// bulk.cc
Status WriteBulk(Request& request);
// query.cc
Status ListDocuments(Request& request);
Status QueryDocuments(Request& request);
Status AggregateDocuments(Request& request);
Status CountDocuments(Request& request);
Status ListDistinct(Request& request);
Status ExplainQuery(Request& request);
// filtered_writes.cc
Status UpdateByFilter(Request& request);
Status DeleteByFilter(Request& request);
Status FindAndModify(Request& request);
// indexes.cc
Status ListIndexes(Request& request);
Status CreateIndexes(Request& request);
Status GetIndex(Request& request);
Status DropIndex(Request& request);
// export.cc
Status ExportCollection(Request& request);
// import.cc
Status ImportCollection(Request& request);
// command.cc
Status RunCommand(Request& request);
// vectors.cc
Status CreateVectors(Request& request);
Status GetVectors(Request& request);
Status DropVectors(Request& request);
Status InsertVector(Request& request);
Status InsertVectors(Request& request);
Status SearchVectors(Request& request);
Status SearchVectorsBatch(Request& request);
// key_value.cc
Status ListBuckets(Request& request);
Status ScanBucket(Request& request);
Status GetKeyValue(Request& request);
Status PutKeyValue(Request& request);
Status DeleteKeyValue(Request& request);
Status GetManyKeyValues(Request& request);
Status PutManyKeyValues(Request& request);
Status IncrementKeyValue(Request& request);
Status CompareAndSetKeyValue(Request& request);
// transaction_routes.cc
Status RunTransaction(Request& request);
Status BeginTransaction(Request& request);
Status CommitTransaction(Request& request);
Status RollbackTransaction(Request& request);
// keys.cc
Status ListKeys(Request& request);
Status CreateKey(Request& request);
Status GetOwnKey(Request& request);
Status GetKey(Request& request);
Status ChangeKey(Request& request);
Status RevokeKey(Request& request);
Status RotateKey(Request& request);

}  // namespace nexadb::rest
