// NexaDB as a server: the REST routes over one kept-alive connection of the C++ client, as
// PostgreSQL is asked over one socket. CPU time is that of the server's process.
//   database-nexadb-server URL KEY PID DIRECTORY DOCUMENTS SECONDS ROUND os|disk
#include <rapidjson/document.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/database/peers/documents.h"
#include "bench/database/peers/measure.h"
#include "nexadb/client/client.h"

namespace nexadb::bench {
namespace {

double ProcessCpuSeconds(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), {});
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) Die("the server is gone");
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  constexpr int kBeforeTimes = 11;
  for (int i = 0; i < kBeforeTimes; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class Server {
 public:
  Server(const std::string& url, const std::string& key)
      : client_({.url = url, .api_key = key, .ca_file = {}, .timeout_ms = 600'000}) {
    for (const char* name : {"docs", "single", "cities"}) {
      Post("/collections", R"({"timestamps":false,"name":")" + std::string(name) + "\"}");
    }
  }
  std::string Get(const std::string& path) { return client_.Call("GET", path); }
  std::string Post(const std::string& path, const std::string& body) {
    return client_.Call("POST", path, body);
  }
  void Patch(const std::string& path, const std::string& body) {
    client_.Call("PATCH", path, body);
  }
  // A number in the answer; `path` leads through objects and first elements of arrays.
  uint64_t Number(const std::string& path, const std::string& body,
                  std::initializer_list<const char*> members) {
    const std::string answer = Post(path, body);
    rapidjson::Document document;
    document.Parse(answer.data(), answer.size());
    const rapidjson::Value* at = &document;
    for (const char* member : members) {
      if (at->IsArray() && !at->Empty()) at = &(*at)[0];
      if (!at->IsObject() || !at->HasMember(member))
        Die("no " + std::string(member) + ": " + answer);
      at = &(*at)[member];
    }
    if (!at->IsUint64()) Die("no number: " + answer);
    return at->GetUint64();
  }
  // As PostgreSQL's VACUUM and CHECKPOINT; one scan brings the new blocks into memory.
  void Settle() {
    const std::string started = Post("/compact", "{}");
    rapidjson::Document document;
    document.Parse(started.data(), started.size());
    const std::string task = "/tasks/" + std::string(document["task"]["id"].GetString());
    while (Get(task).find("\"state\":\"running\"") != std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    Number("/collections/docs/_count", R"({"filter":{"status":"none of them"}})", {"count"});
  }

 private:
  client::Client client_;
};

std::string Batch(uint64_t first, uint64_t count) {
  std::string out = R"({"documents":[)";
  for (uint64_t i = first; i < first + count; ++i) {
    if (i != first) out.push_back(',');
    out.append(DocumentOf(i));
  }
  return out.append("]}");
}

constexpr char kGroup[] =
    R"({"$group":{"_id":"$city","n":{"$sum":1},"s":{"$sum":"$balance"},"a":{"$avg":"$age"}}})";

void Load(Server& server, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  Measure(run, "insert_single", Kind::kWrite, std::min(n / 10, kSingleInsertsMax), 1,
          [&](uint64_t i) {
            server.Post("/collections/single", DocumentOf(i));
            return uint64_t{1};
          });
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  Measure(whole, "insert_batch", Kind::kWrite, n / kBatch, kBatch, [&](uint64_t i) {
    return server.Number("/collections/docs/bulk", Batch(i * kBatch, kBatch), {"count"});
  });
  for (uint64_t i = 0; i < kCities; ++i) server.Post("/collections/cities", CityOf(i));
  Measure(whole, "settle", Kind::kRead, 1, n, [&](uint64_t) {
    server.Settle();
    return uint64_t{0};
  });
}

void ReadAll(Server& server, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  Measure(run, "get_by_id", Kind::kRead, kPointCalls, 1, [&](uint64_t i) {
    return server.Get("/collections/docs/" + IdOf(RandomBelow(i, n))).empty() ? uint64_t{0} : 1;
  });
  const auto count = [&](const char* workload, const std::string& filter) {
    Measure(run, workload, Kind::kRead, kScanCalls, n, [&](uint64_t) {
      return server.Number("/collections/docs/_count", R"({"filter":)" + filter + "}", {"count"});
    });
  };
  const auto aggregate = [&](const char* workload, const std::string& stages,
                             std::initializer_list<const char*> answer) {
    Measure(run, workload, Kind::kRead, kScanCalls, n, [&](uint64_t) {
      return server.Number("/collections/docs/aggregate", R"({"pipeline":[)" + stages + "]}",
                           answer);
    });
  };
  count("filter_count", R"({"status":"active","age":{"$gte":30},"balance":{"$lt":500000}})");
  count("filter_nested", R"({"address.zip":{"$lt":"20000"},"tags":"tag7"})");
  aggregate("group", kGroup, {"count"});
  aggregate("group_filtered",
            R"({"$match":{"status":"active","age":{"$gte":30}}},)" + std::string(kGroup),
            {"count"});
  aggregate("lookup",
            R"({"$lookup":{"from":"cities","localField":"city","foreignField":"_id","as":"c"}},)"
            R"({"$match":{"c.region":3}},{"$count":"n"})",
            {"results", "n"});
}

void Main(Server& server, const nexadb::bench::Run& run) {
  Load(server, run);
  ReadAll(server, run);
  const uint64_t n = run.documents;
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  Measure(whole, "index_build", Kind::kRead, 1, n, [&](uint64_t) {
    server.Post("/collections/docs/_indexes", R"({"key":{"balance":1}})");
    return uint64_t{0};
  });
  Measure(run, "range_indexed", Kind::kRead, kRangeCalls, 1, [&](uint64_t i) {
    return server.Number("/collections/docs/query",
                         R"({"limit":)" + std::to_string(kRangeLimit) +
                             R"(,"filter":{"balance":{"$gte":)" + std::to_string(RangeLow(i)) +
                             R"(,"$lt":)" + std::to_string(RangeLow(i) + kRangeWidth) + "}}}",
                         {"count"});
  });
  Measure(run, "update_by_id", Kind::kWrite, kUpdateCalls, 1, [&](uint64_t i) {
    server.Patch("/collections/docs/" + IdOf(RandomBelow(i, n)),
                 R"({"balance":)" + std::to_string(i) + "}");
    return uint64_t{1};
  });
  const std::string many =
      R"({"multi":true,"filter":{"city":"city07","status":"pending"},"update":{"$inc":{"created":1}}})";
  const uint64_t updated = server.Number("/collections/docs/_update", many, {"modified"});
  Measure(run, "update_by_filter", Kind::kWrite, kScanCalls, updated,
          [&](uint64_t) { return server.Number("/collections/docs/_update", many, {"modified"}); });
}

}  // namespace
}  // namespace nexadb::bench

int main(int argc, char** argv) {
  using nexadb::bench::Die;
  if (argc != 9) Die("usage: see the top of nexadb_server_driver.cc");
  const std::string pid = argv[3];
  const std::string directory = argv[4];
  nexadb::bench::Run run;
  run.engine = "nexadb-server";
  run.documents = std::strtoull(argv[5], nullptr, 10);
  run.seconds_max = std::strtod(argv[6], nullptr);
  run.round = std::atoi(argv[7]);
  run.durability = argv[8];
  run.cpu_seconds = [&] { return nexadb::bench::ProcessCpuSeconds(pid); };
  run.disk_bytes = [&] {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      std::error_code gone;
      const uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
      if (!gone) bytes += size;
    }
    return bytes;
  };
  try {
    nexadb::bench::Server server(argv[1], argv[2]);
    nexadb::bench::Main(server, run);
  } catch (const nexadb::client::Error& error) {
    Die(error.code() + ": " + error.what());
  }
  return 0;
}
