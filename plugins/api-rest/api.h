// Api: what all requests of one instance share.
//
// Made in Start, when the slots are bound; mounts every row of the route table, and unmounts on
// Close, which waits for the requests that run. Thread-safe once made.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nexadb/authenticator.h"
#include "nexadb/database.h"
#include "nexadb/http.h"
#include "nexadb/kernel_info.h"
#include "nexadb/plugin.h"
#include "plugins/api-rest/change_stream.h"
#include "plugins/api-rest/rest_metrics.h"
#include "plugins/api-rest/running_requests.h"
#include "plugins/api-rest/cursor_token.h"
#include "plugins/api-rest/held_cursors.h"
#include "plugins/api-rest/transactions.h"

namespace nexadb::rest {

struct ApiOptions {
  std::string instance;  // owns the routes
  std::string default_database = "nexadb";
  bool metrics_public = false;
  uint64_t query_time_ms = 30'000;
  uint64_t query_time_max_ms = 300'000;
  uint64_t slow_query_ms = 100;  // 0: none is kept
  TransactionLimits transactions;
};

struct Services {
  ServiceRef<HttpRouter> router;
  ServiceRef<Database> database;
  ServiceRef<Authenticator> auth;
  ServiceRef<KernelInfo> kernel;
  Clock* clock = nullptr;
  Random* random = nullptr;
  Executor* executor = nullptr;
  Logger* log = nullptr;
  MetricsRegistry* metrics = nullptr;  // null: nothing is counted
};

struct RouteSpec;
class MountedRoute;

class Api {
 public:
  Api(Services services, ApiOptions options, const CursorKey& cursor_key);
  ~Api();
  // Mounts the routes on the router that the slot holds now. kConflict when another plugin holds
  // one of the paths. [control] Again when the router was replaced: requests that the old one still
  // has are served to their end.
  Status Open();
  void Close();

  const ApiOptions options;
  const Services services;
  const CursorSigner cursors;
  TransactionTable transactions;
  HeldCursors held_cursors;
  ChangeStreams change_streams;
  RunningRequests running;
  SlowRequests slow;
  const std::unique_ptr<RestMetrics> metrics;  // null without a registry

  // The facets of the services; unsupported when the service in the slot lacks one.
  Result<KeyValueStore*> KeyValue() const;
  Result<VectorCollections*> Vectors() const;
  Result<ChangeFeed*> Changes() const;
  Result<SchemaInference*> Schema() const;
  Result<KeyAdmin*> Keys() const;

 private:
  using MountedRoutes = std::vector<std::unique_ptr<MountedRoute>>;
  MountedRoutes routes_;
  MountedRoutes former_routes_;  // on the router that was replaced last
};

}  // namespace nexadb::rest
