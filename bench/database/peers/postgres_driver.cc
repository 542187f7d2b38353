// PostgreSQL's jsonb: docs(id text PRIMARY KEY, doc jsonb), prepared statements on a Unix socket,
// with as many parallel workers as it likes. CPU time is that of all of the server's processes.
//   database-postgres CONNECTION DOCUMENTS SECONDS ROUND process|disk POSTMASTER_PID
// process: synchronous_commit off; disk: on.
#include <libpq-fe.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/database/peers/documents.h"
#include "bench/database/peers/measure.h"

namespace nexadb::bench {
namespace {

// CPU seconds of the postmaster, of the children that it has waited for, and of those that run.
double ServerCpuSeconds(const std::string& postmaster) {
  double ticks = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream fields(text.substr(name_end + 2));
    std::string state, parent, skipped;
    fields >> state >> parent;
    const bool is_master = pid == postmaster;
    if (!is_master && parent != postmaster) continue;
    for (int i = 0; i < 9; ++i) fields >> skipped;
    double user = 0, system = 0, waited_user = 0, waited_system = 0;
    fields >> user >> system >> waited_user >> waited_system;
    ticks += user + system + (is_master ? waited_user + waited_system : 0);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class Engine {
 public:
  explicit Engine(const char* connection) : connection_(PQconnectdb(connection)) {
    if (PQstatus(connection_) != CONNECTION_OK) Die(PQerrorMessage(connection_));
    for (const char* table : {"docs", "single", "cities"}) {
      Run("CREATE TABLE " + std::string(table) + "(id text PRIMARY KEY, doc jsonb)");
    }
  }
  ~Engine() { PQfinish(connection_); }
  PGresult* Good(PGresult* result) {
    const auto status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Die(PQerrorMessage(connection_));
    return result;
  }
  void Run(const std::string& sql) { PQclear(Good(PQexec(connection_, sql.c_str()))); }
  void Prepare(const char* name, const std::string& sql) {
    PQclear(Good(PQprepare(connection_, name, sql.c_str(), 0, nullptr)));
  }
  struct Reply {
    uint64_t rows = 0;
    uint64_t number = 0;   // the first column of the first row
    uint64_t changed = 0;  // rows of an UPDATE
  };
  Reply Call(const char* name, const std::vector<std::string>& parameters = {}) {
    std::vector<const char*> values;
    for (const std::string& p : parameters) values.push_back(p.c_str());
    PGresult* result = Good(PQexecPrepared(connection_, name, static_cast<int>(values.size()),
                                           values.data(), nullptr, nullptr, 0));
    Reply reply;
    reply.rows = static_cast<uint64_t>(PQntuples(result));
    if (reply.rows != 0) reply.number = std::strtoull(PQgetvalue(result, 0, 0), nullptr, 10);
    reply.changed = std::strtoull(PQcmdTuples(result), nullptr, 10);
    PQclear(result);
    return reply;
  }

 private:
  PGconn* connection_;
};

// A text[] of documents.
std::string ArrayOf(uint64_t first, uint64_t count) {
  std::string out = "{";
  for (uint64_t i = first; i < first + count; ++i) {
    out.append(i == first ? "\"" : ",\"");
    for (const char c : DocumentOf(i)) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out + "}";
}

constexpr char kGroup[] =
    "SELECT doc->>'city', count(*), sum((doc->'balance')::bigint), avg((doc->'age')::int) "
    "FROM docs ";

void Load(Engine& engine, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  engine.Prepare("single", "INSERT INTO single VALUES($1,$2::jsonb)");
  Measure(run, "insert_single", Kind::kWrite, std::min(n / 10, kSingleInsertsMax), 1,
          [&](uint64_t i) {
            engine.Call("single", {IdOf(i), DocumentOf(i)});
            return uint64_t{1};
          });
  engine.Run("TRUNCATE single");
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  engine.Prepare("batch",
                 "INSERT INTO docs SELECT x->>'_id', x FROM unnest($1::text[]) t, "
                 "LATERAL (SELECT t::jsonb x) y");
  Measure(whole, "insert_batch", Kind::kWrite, n / kBatch, kBatch, [&](uint64_t i) {
    engine.Call("batch", {ArrayOf(i * kBatch, kBatch)});
    return kBatch;
  });
  engine.Prepare("city", "INSERT INTO cities VALUES($1::jsonb->>'_id',$1::jsonb)");
  for (uint64_t i = 0; i < kCities; ++i) engine.Call("city", {CityOf(i)});
  Measure(whole, "settle", Kind::kRead, 1, n, [&](uint64_t) {
    engine.Run("VACUUM ANALYZE");
    engine.Run("CHECKPOINT");
    return uint64_t{0};
  });
}

void ReadAll(Engine& engine, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  engine.Prepare("get", "SELECT doc FROM docs WHERE id=$1");
  Measure(run, "get_by_id", Kind::kRead, kPointCalls, 1,
          [&](uint64_t i) { return engine.Call("get", {IdOf(RandomBelow(i, n))}).rows; });
  const auto scan = [&](const char* workload, const std::string& sql, bool number) {
    engine.Prepare(workload, sql);
    Measure(run, workload, Kind::kRead, kScanCalls, n, [&](uint64_t) {
      const auto reply = engine.Call(workload);
      return number ? reply.number : reply.rows;
    });
  };
  const std::string filter = "WHERE doc->>'status'='active' AND (doc->'age')::int>=30";
  scan("filter_count", "SELECT count(*) FROM docs " + filter + " AND (doc->'balance')::int<500000",
       true);
  scan("filter_nested",
       "SELECT count(*) FROM docs WHERE doc->'address'->>'zip'<'20000' AND doc->'tags' ? 'tag7'",
       true);
  scan("group", std::string(kGroup) + "GROUP BY 1", false);
  scan("group_filtered", kGroup + filter + " GROUP BY 1", false);
  scan("lookup",
       "SELECT count(*) FROM docs d JOIN cities c ON c.id=d.doc->>'city' "
       "WHERE (c.doc->'region')::int=3",
       true);
}

void Main(const char* connection, const nexadb::bench::Run& run) {
  Engine engine(connection);
  engine.Run(std::string("SET synchronous_commit=") + (run.durability == "disk" ? "on" : "off"));
  engine.Run("SET max_parallel_workers_per_gather=2");
  Load(engine, run);
  ReadAll(engine, run);
  const uint64_t n = run.documents;
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  Measure(whole, "index_build", Kind::kRead, 1, n, [&](uint64_t) {
    engine.Run("CREATE INDEX ON docs (((doc->'balance')::int))");
    engine.Run("ANALYZE docs");
    return uint64_t{0};
  });
  engine.Prepare("range",
                 "SELECT doc FROM docs WHERE (doc->'balance')::int >= $1::int AND "
                 "(doc->'balance')::int < $2::int LIMIT " +
                     std::to_string(kRangeLimit));
  Measure(run, "range_indexed", Kind::kRead, kRangeCalls, 1, [&](uint64_t i) {
    return engine
        .Call("range", {std::to_string(RangeLow(i)), std::to_string(RangeLow(i) + kRangeWidth)})
        .rows;
  });
  engine.Prepare("update",
                 "UPDATE docs SET doc=jsonb_set(doc,'{balance}',to_jsonb($2::int)) WHERE id=$1");
  Measure(run, "update_by_id", Kind::kWrite, kUpdateCalls, 1, [&](uint64_t i) {
    return engine.Call("update", {IdOf(RandomBelow(i, n)), std::to_string(i)}).changed;
  });
  engine.Prepare("many",
                 "UPDATE docs SET doc=jsonb_set(doc,'{created}',"
                 "to_jsonb((doc->'created')::int+1)) "
                 "WHERE doc->>'city'='city07' AND doc->>'status'='pending'");
  const uint64_t updated = engine.Call("many").changed;
  Measure(run, "update_by_filter", Kind::kWrite, kScanCalls, updated,
          [&](uint64_t) { return engine.Call("many").changed; });
}

}  // namespace
}  // namespace nexadb::bench

int main(int argc, char** argv) {
  if (argc != 7) {
    nexadb::bench::Die(
        "usage: database-postgres CONNECTION DOCUMENTS SECONDS ROUND process|disk PID");
  }
  nexadb::bench::Run run;
  run.engine = "postgresql-jsonb";
  run.documents = std::strtoull(argv[2], nullptr, 10);
  run.seconds_max = std::strtod(argv[3], nullptr);
  run.round = std::atoi(argv[4]);
  run.durability = argv[5];
  const std::string postmaster = argv[6];
  run.cpu_seconds = [&] {
    return nexadb::bench::OwnCpuSeconds() + nexadb::bench::ServerCpuSeconds(postmaster);
  };
  nexadb::bench::Main(argv[1], run);
  return 0;
}
