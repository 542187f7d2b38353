// The server itself: status, health, statistics, metrics, errors, plugins, configuration.
#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/problem.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

KernelInfo& Kernel(Request& request) { return *request.api().services.kernel; }

bool IsReady(Request& request) { return std::string_view(Kernel(request).State()) == "running"; }

// The table's limits, with what the HTTP server says of its own in their place.
std::string LimitsJson(Request& request) {
  Result<Buffer> in_force = request.api().services.router->Limits();
  const bson::Document theirs =
      in_force.ok() ? bson::Document(in_force->bytes()) : bson::Document();
  JsonObject out;
  for (const LimitInfo& limit : kLimits) {
    if (theirs[limit.name]) continue;
    JsonObject row;
    row.Integer("value", limit.value).Text("unit", limit.unit);
    row.Text("error", ErrorOf(limit.error).name);
    out.Raw(limit.name, row.Finish());
  }
  return out.Members(theirs).Finish();
}

std::string PluginsJson(bson::Document instances) {
  std::string out = "[";
  for (const bson::Element& element : instances["instances"].value().Doc()) {
    const bson::Document instance = element.value().Doc();
    JsonObject row;
    for (const std::string_view name : {"name", "id", "version", "state"}) {
      if (instance[name]) row.Value(name, instance[name].value());
    }
    if (out.size() > 1) out.push_back(',');
    out += row.Finish();
  }
  return out + "]";
}

// What the storage engine tells of itself. Whoever may see the metrics may see it: the server asks.
Status AppendEngine(Request& request, std::string& out) {
  const Handle<Principal> server = request.api().services.auth->System();
  SessionOptions options;
  options.principal = server.get();
  Result<Handle<Session>> session = request.database().OpenSession(options);
  // While the database drains there is still the rest to show.
  if (!session.ok()) return {};
  Result<Buffer> statistics = request.database().Statistics(**session);
  if (!statistics.ok()) return std::move(statistics).status();
  const bson::Value engine = bson::Document(statistics->bytes())["engine_stats"].value();
  if (engine.type() == bson::Type::kObject) AppendEngineMetrics(out, engine.Doc().bytes());
  return {};
}

}  // namespace

Status GetStatus(Request& request) {
  KernelInfo& kernel = Kernel(request);
  JsonObject out;
  out.Text("status", "ok").Text("version", kernel.Version()).Text("database", "NexaDB");
  out.Text("state", kernel.State()).Bool("ready", IsReady(request));
  out.Integer("uptime_s", static_cast<int64_t>(kernel.UptimeMs() / 1000));
  if (request.principal() != nullptr) {
    Result<Buffer> instances = kernel.Instances();
    if (instances.ok()) out.Raw("plugins", PluginsJson(bson::Document(instances->bytes())));
    out.Raw("limits", LimitsJson(request));
  }
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetHealth(Request& request) {
  return SendJson(request.exchange(), 200, JsonObject().Text("status", "ok").Finish());
}

Status GetReadiness(Request& request) {
  if (IsReady(request)) return GetHealth(request);
  const std::string_view state = Kernel(request).State();
  return MakeError(state == "starting" ? ErrorId::kNotReady : ErrorId::kDraining,
                   "The server is " + std::string(state) + ".");
}

// Where the engine keeps its files is for who runs the server.
std::string WithoutDirectory(bson::Document statistics) {
  bson::Builder out;
  for (const bson::Element& e : statistics) {
    if (e.name() != "engine_stats" || e.type() != bson::Type::kObject) {
      out.Element(e);
      continue;
    }
    out.OpenObject(e.name());
    for (const bson::Element& member : e.value().Doc()) {
      if (member.name() != "data_dir") out.Element(member);
    }
    out.Close();
  }
  return out.Finish();
}

Status GetStats(Request& request) {
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> statistics = request.database().Statistics(**session);
  if (!statistics.ok()) return std::move(statistics).status();
  const bool administrator = request.principal()->Allows(Action::kAdmin, Resource{});
  const std::string shown =
      administrator ? std::string() : WithoutDirectory(bson::Document(statistics->bytes()));
  JsonObject out = Success();
  out.Document("stats", administrator ? bson::Document(statistics->bytes())
                                      : bson::Document(AsBytes(shown)));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetMetrics(Request& request) {
  if (!request.api().options.metrics_public) {
    Principal* principal = request.principal();
    if (principal == nullptr) return request.refusal();
    if (!principal->Allows(Action::kAdmin, Resource{})) {
      return MakeError(ErrorId::kForbidden, "The metrics need an administrator's key.");
    }
  }
  Api& api = request.api();
  if (api.metrics != nullptr) {
    api.metrics->Show(api.transactions.OpenCount(), api.change_streams.Count(),
                      api.running.Count());
  }
  Result<Buffer> text = Kernel(request).MetricsText();
  if (!text.ok()) return std::move(text).status();
  std::string all(text->text());
  if (Status status = AppendEngine(request, all); !status.ok()) return status;
  return SendBytes(request.exchange(), 200, "text/plain; version=0.0.4; charset=utf-8",
                   Buffer::Own(std::move(all)));
}

Status GetError(Request& request) {
  const ErrorInfo* info = FindError(request.capture(0));
  if (info == nullptr) {
    std::vector<std::string_view> names;
    for (const ErrorInfo& row : kErrors) names.push_back(row.name);
    return MakeError(ErrorId::kErrorNotFound, "'" + std::string(request.capture(0)) +
                                                  "' is not an error of this server." +
                                                  DidYouMean(request.capture(0), names));
  }
  JsonObject out = Success();
  out.Text("code", info->name).Text("type", "urn:nexadb:error:" + std::string(info->name));
  out.Text("title", info->title).Integer("http_status", info->status);
  out.Integer("number", static_cast<int64_t>(info->id));
  out.Integer("mongodb_code", info->mongodb_code);
  out.Text("mongodb_code_name", MongoCodeName(info->mongodb_code));
  out.Bool("retryable", info->retryable);
  std::string& members = out.Name("members");
  members.push_back('[');
  bool first = true;
  ForEachWord(info->detail, [&](std::string_view word) {
    if (!first) members.push_back(',');
    first = false;
    AppendJsonString(members, word);
  });
  members.push_back(']');
  out.Text("help", info->help);
  return SendJson(request.exchange(), 200, out.Finish());
}

Status ListPlugins(Request& request) {
  Result<Buffer> instances = Kernel(request).Instances();
  if (!instances.ok()) return std::move(instances).status();
  const bson::Document list = bson::Document(instances->bytes())["instances"].value().Doc();
  JsonObject out = Success();
  AppendJsonArray(out.Name("plugins"), list, JsonMode::kRest);
  out.Integer("count", static_cast<int64_t>(list.CountElements()));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetPlugin(Request& request) {
  Result<Buffer> instances = Kernel(request).Instances();
  if (!instances.ok()) return std::move(instances).status();
  for (const bson::Element& element :
       bson::Document(instances->bytes())["instances"].value().Doc()) {
    const bson::Value name = element.value().Doc()["name"].value();
    if (name.type() != bson::Type::kString || name.Text() != request.capture(0)) continue;
    return SendJson(request.exchange(), 200,
                    Success().Document("plugin", element.value().Doc()).Finish());
  }
  return MakeError(ErrorId::kPluginNotFound, "There is no plugin instance of that name.");
}

Status GetConfig(Request& request) {
  Result<Buffer> config = Kernel(request).Config();
  if (!config.ok()) return std::move(config).status();
  return SendJson(request.exchange(), 200,
                  Success().Document("config", bson::Document(config->bytes())).Finish());
}

}  // namespace nexadb::rest
