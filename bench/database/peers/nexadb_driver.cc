// NexaDB in this process: database-document over storage-lsm, called through nexadb/database.h.
//   database-nexadb DIRECTORY DOCUMENTS SECONDS ROUND os|disk|process
// Documents come as JSON, as for the others; making BSON of it is part of an insert's time.
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "bench/database/peers/documents.h"
#include "bench/database/peers/measure.h"
#include "core/document/json.h"
#include "nexadb/bson.h"
#include "nexadb/database.h"
#include "nexadb/testkit/plugin_host.h"

namespace nexadb::bench {
namespace {

class Everybody final : public Principal {
 public:
  StringView Id() noexcept override { return "bench"; }
  StringView Name() noexcept override { return "bench"; }
  bool Allows(Action, const Resource&) noexcept override { return true; }
  bool Valid() noexcept override { return true; }
  void Release() noexcept override {}
};

std::string Bson(std::string_view json) {
  auto bytes = JsonToBson(json, kEnvelopeJson);
  if (!bytes.ok()) Die("bad JSON: " + std::string(json));
  return *bytes;
}

template <class T>
T Must(Result<T> result, const char* what) {
  if (!result.ok()) Die(std::string(what) + ": " + std::string(result.status().message()));
  return std::move(*result);
}

class Engine {
 public:
  Engine(const std::string& directory, const std::string& durability) : directory_(directory) {
    std::filesystem::remove_all(directory_);
    storage_ =
        Open("storage-lsm", R"({"memory_budget": "2GiB", "durability": ")" + durability + R"("})");
    if (!storage_->Start().ok()) Die("storage-lsm did not start");
    host_ = Open("database-document", "{}");
    host_->Bind<StorageEngine>("storage", *storage_->Service<StorageEngine>());
    if (!host_->Start().ok()) Die("database-document did not start");
    SessionOptions options;
    options.principal = &principal_;
    options.deadline_ns = ~uint64_t{0};
    session_ = Must(host_->Service<Database>()->OpenSession(options), "session");
  }
  ~Engine() {
    session_.Reset();
    host_.reset();
    storage_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Insert(const char* collection, uint64_t first, uint64_t count) {
    std::vector<std::string> documents(count);
    std::vector<BytesView> views(count);
    for (uint64_t i = 0; i < count; ++i) {
      documents[i] = Bson(DocumentOf(first + i));
      views[i] = AsBytes(documents[i]);
    }
    const Buffer reply =
        Must(database().Insert(*session_, "bench", collection, views, {}), "insert");
    if (bson::Document(reply.bytes())["n"].value().Int32() != static_cast<int32_t>(count)) {
      Die("insert: not all documents were inserted");
    }
  }
  Buffer Run(std::string_view json) {
    const std::string command = Bson(json);
    return Must(database().Run(*session_, "bench", AsBytes(command)), command.c_str());
  }
  int64_t RunFor(std::string_view json, std::string_view member) {
    const Buffer reply = Run(json);
    const bson::Value value = bson::Document(reply.bytes())[member].value();
    return value.type() == bson::Type::kInt64 ? value.Int64() : value.Int32();
  }
  // How many documents a query gives.
  uint64_t Query(std::string_view json) {
    const std::string command = Bson(json);
    auto cursor = Must(database().Query(*session_, "bench", AsBytes(command), {}), "query");
    std::vector<BytesView> batch(256);
    for (uint64_t found = 0;;) {
      const uint64_t count = Must(cursor->Next(batch), "next");
      if (count == 0) return found;
      found += count;
    }
  }
  // The first integer of the only document that a query gives.
  uint64_t QueryFor(std::string_view json, std::string_view member) {
    const std::string command = Bson(json);
    auto cursor = Must(database().Query(*session_, "bench", AsBytes(command), {}), "query");
    BytesView document;
    if (Must(cursor->Next(Span<BytesView>(&document, 1)), "next") == 0) return 0;
    const bson::Value value = bson::Document(document)[member].value();
    return static_cast<uint64_t>(value.type() == bson::Type::kInt64 ? value.Int64()
                                                                    : value.Int32());
  }
  void Get(uint64_t i) {
    bson::Builder id;
    id.Text("_id", IdOf(i));
    const std::string bytes = id.Finish();
    if (Must(database().GetById(*session_, "bench", "docs", AsBytes(bytes), false), "get")
            .document.size() == 0) {
      Die("get: nothing found");
    }
  }
  void Update(uint64_t i, uint64_t balance) {
    bson::Builder id, update;
    id.Text("_id", IdOf(i));
    update.Int32("balance", static_cast<int32_t>(balance));
    const std::string id_bytes = id.Finish(), update_bytes = update.Finish();
    Must(database().UpdateById(*session_, "bench", "docs", AsBytes(id_bytes), AsBytes(update_bytes),
                               {}),
         "update");
  }
  // As PostgreSQL's VACUUM and CHECKPOINT. A compaction's blocks do not stay in memory: one scan
  // brings them there, where VACUUM and ANALYZE leave those of the others.
  void Settle() {
    auto* engine = storage_->Service<StorageEngine>();
    if (!engine->Flush().ok()) Die("flush failed");
    auto* compaction =
        static_cast<StorageCompaction*>(engine->Facet(StorageCompaction::kInterface));
    if (compaction != nullptr && !compaction->Compact({}, {}).ok()) Die("compaction failed");
    Run(R"({"count":"docs","query":{"status":"none of them"}})");
  }
  uint64_t DiskBytes() const {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  }

 private:
  std::unique_ptr<testkit::PluginHost> Open(const std::string& name, const std::string& config) {
    testkit::HostOptions options;
    options.instance = name;
    options.data_directory = directory_;
    options.config = config;
    options.compute_threads = std::thread::hardware_concurrency();
    auto host =
        testkit::PluginHost::Open(std::string(NEXADB_BENCH_PLUGINS) + "/" + name + ".so", options);
    return Must(std::move(host), name.c_str());
  }
  Database& database() { return *host_->Service<Database>(); }

  std::string directory_;
  std::unique_ptr<testkit::PluginHost> storage_;
  std::unique_ptr<testkit::PluginHost> host_;
  Everybody principal_;
  Handle<Session> session_;
};

std::string Aggregate(const std::string& stages) {
  return R"({"aggregate":"docs","cursor":{},"pipeline":[)" + stages + "]}";
}

std::string Range(uint64_t i) {
  const std::string low = std::to_string(RangeLow(i));
  const std::string high = std::to_string(RangeLow(i) + kRangeWidth);
  return R"({"find":"docs","limit":)" + std::to_string(kRangeLimit) +
         R"(,"filter":{"balance":{"$gte":)" + low + R"(,"$lt":)" + high + "}}}";
}

constexpr std::string_view kGroup =
    R"({"$group":{"_id":"$city","n":{"$sum":1},"s":{"$sum":"$balance"},"a":{"$avg":"$age"}}})";
constexpr std::string_view kLookup =
    R"({"$lookup":{"from":"cities","localField":"city","foreignField":"_id","as":"c"}},)"
    R"({"$match":{"c.region":3}},{"$count":"n"})";

void Load(Engine& engine, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  Measure(run, "insert_single", Kind::kWrite, std::min(n / 10, kSingleInsertsMax), 1,
          [&](uint64_t i) {
            engine.Insert("single", i, 1);
            return uint64_t{1};
          });
  engine.Run(R"({"drop":"single"})");
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  Measure(whole, "insert_batch", Kind::kWrite, n / kBatch, kBatch, [&](uint64_t i) {
    engine.Insert("docs", i * kBatch, kBatch);
    return kBatch;
  });
  for (uint64_t i = 0; i < kCities; ++i) {
    engine.Run(R"({"insert":"cities","documents":[)" + CityOf(i) + "]}");
  }
  Measure(whole, "settle", Kind::kRead, 1, n, [&](uint64_t) {
    engine.Settle();
    return uint64_t{0};
  });
}

void ReadAll(Engine& engine, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  Measure(run, "get_by_id", Kind::kRead, kPointCalls, 1, [&](uint64_t i) {
    engine.Get(RandomBelow(i, n));
    return uint64_t{1};
  });
  Measure(run, "filter_count", Kind::kRead, kScanCalls, n, [&](uint64_t) {
    return static_cast<uint64_t>(engine.RunFor(
        R"({"count":"docs","query":{"status":"active","age":{"$gte":30},"balance":{"$lt":500000}}})",
        "n"));
  });
  Measure(run, "filter_nested", Kind::kRead, kScanCalls, n, [&](uint64_t) {
    return static_cast<uint64_t>(engine.RunFor(
        R"({"count":"docs","query":{"address.zip":{"$lt":"20000"},"tags":"tag7"}})", "n"));
  });
  Measure(run, "group", Kind::kRead, kScanCalls, n,
          [&](uint64_t) { return engine.Query(Aggregate(std::string(kGroup))); });
  Measure(run, "group_filtered", Kind::kRead, kScanCalls, n, [&](uint64_t) {
    return engine.Query(
        Aggregate(R"({"$match":{"status":"active","age":{"$gte":30}}},)" + std::string(kGroup)));
  });
  Measure(run, "lookup", Kind::kRead, kScanCalls, n,
          [&](uint64_t) { return engine.QueryFor(Aggregate(std::string(kLookup)), "n"); });
}

void Main(const std::string& directory, const nexadb::bench::Run& given) {
  nexadb::bench::Run run = given;
  Engine engine(directory, run.durability);
  run.disk_bytes = [&] { return engine.DiskBytes(); };
  Load(engine, run);
  ReadAll(engine, run);
  const uint64_t n = run.documents;
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  Measure(whole, "index_build", Kind::kRead, 1, n, [&](uint64_t) {
    engine.Run(R"({"createIndexes":"docs","indexes":[{"key":{"balance":1},"name":"balance"}]})");
    return uint64_t{0};
  });
  Measure(run, "range_indexed", Kind::kRead, kRangeCalls, 1,
          [&](uint64_t i) { return engine.Query(Range(i)); });
  Measure(run, "update_by_id", Kind::kWrite, kUpdateCalls, 1, [&](uint64_t i) {
    engine.Update(RandomBelow(i, n), i);
    return uint64_t{1};
  });
  uint64_t updated = 0;
  const std::string many =
      R"({"update":"docs","updates":[{"q":{"city":"city07","status":"pending"},)"
      R"("u":{"$inc":{"created":1}},"multi":true}]})";
  updated = static_cast<uint64_t>(engine.RunFor(many, "nModified"));
  Measure(run, "update_by_filter", Kind::kWrite, kScanCalls, updated,
          [&](uint64_t) { return static_cast<uint64_t>(engine.RunFor(many, "nModified")); });
}

}  // namespace
}  // namespace nexadb::bench

int main(int argc, char** argv) {
  if (argc != 6) {
    nexadb::bench::Die("usage: database-nexadb DIRECTORY DOCUMENTS SECONDS ROUND os|disk|process");
  }
  nexadb::bench::Run run;
  run.engine = "nexadb";
  run.documents = std::strtoull(argv[2], nullptr, 10);
  run.seconds_max = std::strtod(argv[3], nullptr);
  run.round = std::atoi(argv[4]);
  run.durability = argv[5];
  nexadb::bench::Main(argv[1], run);
  return 0;
}
