// SQLite's JSON functions in this process: docs(id TEXT PRIMARY KEY, doc TEXT) WITHOUT ROWID, WAL.
//   database-sqlite FILE DOCUMENTS SECONDS ROUND os|disk
// os: synchronous NORMAL, a write survives a killed process; disk: synchronous FULL.
#include <sqlite3.h>

#include <filesystem>

#include "bench/database/peers/documents.h"
#include "bench/database/peers/measure.h"

namespace nexadb::bench {
namespace {

class Engine {
 public:
  Engine(const std::string& file, bool sync) {
    for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::remove(file + tail);
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    Check(sqlite3_open_v2(file.c_str(), &db_, kFlags, nullptr));
    Run("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA cache_size=-2000000;"
        "PRAGMA wal_autocheckpoint=8000; PRAGMA temp_store=MEMORY; PRAGMA synchronous=" +
        std::string(sync ? "FULL" : "NORMAL"));
    for (const char* table : {"docs", "single", "cities"}) {
      Run("CREATE TABLE " + std::string(table) + "(id TEXT PRIMARY KEY, doc TEXT) WITHOUT ROWID");
    }
  }
  void Check(int code) const {
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) Die(sqlite3_errmsg(db_));
  }
  void Run(const std::string& sql) {
    Check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
  }
  sqlite3_stmt* Prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    Check(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    return statement;
  }
  // Steps to the end; how many rows there were.
  uint64_t Rows(sqlite3_stmt* statement) {
    uint64_t rows = 0;
    int code = SQLITE_OK;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      if (sqlite3_column_blob(statement, 0) != nullptr) ++rows;
    }
    Check(code);
    sqlite3_reset(statement);
    return rows;
  }
  uint64_t Number(sqlite3_stmt* statement) {
    Check(sqlite3_step(statement));
    const auto number = static_cast<uint64_t>(sqlite3_column_int64(statement, 0));
    sqlite3_reset(statement);
    return number;
  }
  void Insert(sqlite3_stmt* statement, const std::string& id, const std::string& document) {
    Bind(statement, 1, id);
    Bind(statement, 2, document);
    Rows(statement);
  }
  static void Bind(sqlite3_stmt* statement, int at, const std::string& text) {
    sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  int changes() const { return sqlite3_changes(db_); }

 private:
  sqlite3* db_ = nullptr;
};

#define FIELD(name) "json_extract(doc,'$." name "')"
constexpr char kGroup[] = "SELECT " FIELD("city") ", count(*), sum(" FIELD(
    "balance") "), avg(" FIELD("age") ") FROM docs ";

void Load(Engine& engine, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  sqlite3_stmt* single = engine.Prepare("INSERT INTO single VALUES(?1,?2)");
  Measure(run, "insert_single", Kind::kWrite, std::min(n / 10, kSingleInsertsMax), 1,
          [&](uint64_t i) {
            engine.Insert(single, IdOf(i), DocumentOf(i));
            return uint64_t{1};
          });
  engine.Run("DELETE FROM single");
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  sqlite3_stmt* insert = engine.Prepare("INSERT INTO docs VALUES(?1,?2)");
  Measure(whole, "insert_batch", Kind::kWrite, n / kBatch, kBatch, [&](uint64_t batch) {
    engine.Run("BEGIN");
    for (uint64_t i = batch * kBatch; i < (batch + 1) * kBatch; ++i) {
      engine.Insert(insert, IdOf(i), DocumentOf(i));
    }
    engine.Run("COMMIT");
    return kBatch;
  });
  sqlite3_stmt* city = engine.Prepare("INSERT INTO cities VALUES(json_extract(?2,'$._id'),?2)");
  for (uint64_t i = 0; i < kCities; ++i) engine.Insert(city, "", CityOf(i));
  Measure(whole, "settle", Kind::kRead, 1, n, [&](uint64_t) {
    engine.Run("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE");
    return uint64_t{0};
  });
}

void ReadAll(Engine& engine, const nexadb::bench::Run& run) {
  const uint64_t n = run.documents;
  sqlite3_stmt* get = engine.Prepare("SELECT doc FROM docs WHERE id=?1");
  Measure(run, "get_by_id", Kind::kRead, kPointCalls, 1, [&](uint64_t i) {
    const std::string id = IdOf(RandomBelow(i, n));
    Engine::Bind(get, 1, id);
    return engine.Rows(get);
  });
  const auto scan = [&](const char* workload, const char* sql, bool number) {
    sqlite3_stmt* statement = engine.Prepare(sql);
    Measure(run, workload, Kind::kRead, kScanCalls, n,
            [&](uint64_t) { return number ? engine.Number(statement) : engine.Rows(statement); });
  };
  scan("filter_count",
       "SELECT count(*) FROM docs WHERE " FIELD("status") "='active' AND " FIELD(
           "age") ">=30 AND " FIELD("balance") "<500000",
       true);
  scan("filter_nested",
       "SELECT count(*) FROM docs WHERE " FIELD("address.zip") "<'20000' AND EXISTS("
       "SELECT 1 FROM json_each(doc,'$.tags') WHERE value='tag7')", true);
  scan("group", (std::string(kGroup) + "GROUP BY 1").c_str(), false);
  scan("group_filtered",
       (std::string(kGroup) +
        "WHERE " FIELD("status") "='active' AND " FIELD("age") ">=30 GROUP BY 1")
           .c_str(),
       false);
  scan("lookup",
       "SELECT count(*) FROM docs d JOIN cities c ON c.id=json_extract(d.doc,'$.city') "
       "WHERE json_extract(c.doc,'$.region')=3",
       true);
}

void Main(const std::string& file, const nexadb::bench::Run& given) {
  nexadb::bench::Run run = given;
  Engine engine(file, run.durability == "disk");
  run.disk_bytes = [&] { return static_cast<uint64_t>(std::filesystem::file_size(file)); };
  Load(engine, run);
  ReadAll(engine, run);
  const uint64_t n = run.documents;
  nexadb::bench::Run whole = run;
  whole.seconds_max = 1e9;
  Measure(whole, "index_build", Kind::kRead, 1, n, [&](uint64_t) {
    engine.Run("CREATE INDEX balance ON docs(" FIELD("balance") "); ANALYZE");
    return uint64_t{0};
  });
  sqlite3_stmt* range = engine.Prepare(
      "SELECT doc FROM docs WHERE " FIELD("balance") ">=?1 AND " FIELD("balance") "<?2 LIMIT ?3");
  Measure(run, "range_indexed", Kind::kRead, kRangeCalls, 1, [&](uint64_t i) {
    sqlite3_bind_int64(range, 1, static_cast<int64_t>(RangeLow(i)));
    sqlite3_bind_int64(range, 2, static_cast<int64_t>(RangeLow(i) + kRangeWidth));
    sqlite3_bind_int64(range, 3, static_cast<int64_t>(kRangeLimit));
    return engine.Rows(range);
  });
  sqlite3_stmt* update =
      engine.Prepare("UPDATE docs SET doc=json_set(doc,'$.balance',?2) WHERE id=?1");
  Measure(run, "update_by_id", Kind::kWrite, kUpdateCalls, 1, [&](uint64_t i) {
    const std::string id = IdOf(RandomBelow(i, n));
    Engine::Bind(update, 1, id);
    sqlite3_bind_int64(update, 2, static_cast<int64_t>(i));
    engine.Rows(update);
    return uint64_t{1};
  });
  sqlite3_stmt* many = engine.Prepare("UPDATE docs SET doc=json_set(doc,'$.created'," FIELD(
      "created") "+1) WHERE " FIELD("city") "='city07' AND " FIELD("status") "='pending'");
  engine.Rows(many);
  const auto updated = static_cast<uint64_t>(engine.changes());
  Measure(run, "update_by_filter", Kind::kWrite, kScanCalls, updated, [&](uint64_t) {
    engine.Rows(many);
    return static_cast<uint64_t>(engine.changes());
  });
}
#undef FIELD

}  // namespace
}  // namespace nexadb::bench

int main(int argc, char** argv) {
  if (argc != 6) {
    nexadb::bench::Die("usage: database-sqlite FILE DOCUMENTS SECONDS ROUND os|disk");
  }
  nexadb::bench::Run run;
  run.engine = "sqlite-json";
  run.documents = std::strtoull(argv[2], nullptr, 10);
  run.seconds_max = std::strtod(argv[3], nullptr);
  run.round = std::atoi(argv[4]);
  run.durability = argv[5];
  nexadb::bench::Main(argv[1], run);
  return 0;
}
