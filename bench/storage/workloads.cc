#include "bench/storage/workloads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "bench/storage/rows.h"

namespace nexadb::bench {
namespace {

constexpr uint64_t kBatchRows = 1000;
constexpr uint64_t kSampleEvery = 16;
constexpr uint64_t kSeekRows = 10;
constexpr uint64_t kGroups = 16;
// Keys of one call that reads many.
constexpr uint64_t kManyKeys = 100;
// The writer beside the reads, an open loop.
constexpr double kWriterPerSecond = 100'000;
// Of a hundred rows one stays; of a hundred calls one deletes a range of a hundred rows.
constexpr uint64_t kPerCent = 100;
// Scans of the whole range are repeated until the time can be measured well.
constexpr uint64_t kScannedRowsMin = 2'000'000;

// What works on the store that fillrandom leaves.
constexpr std::string_view kOnLoaded[] = {"fillrandom",  "overwrite",
                                          "readrandom",  "multiget",
                                          "readmissing", "zipfian",
                                          "seek10",      "scan",
                                          "scanreverse", "readwhilewriting",
                                          "ycsb_a",      "ycsb_b",
                                          "delete",      "seek10_after_deletes"};

// A key of this thread's own: nothing is allocated for a call.
std::string& KeyBuffer() {
  static thread_local std::string key;
  return key;
}
std::string& ValueBuffer() {
  static thread_local std::string value;
  return value;
}

class Workloads {
 public:
  explicit Workloads(const Plan& plan)
      : plan_(plan), rows_(plan.rows), permutation_(plan.rows), values_(plan.subject.value_bytes) {}

  void RunAll() {
    if (plan_.Wants("fillseq")) FillSequential();
    if (plan_.Wants("fillgroups")) FillGroups();
    if (plan_.Wants("fillbatch")) FillBatch();
    if (plan_.Wants("ingest")) Ingest();
    if (plan_.WantsAny(kOnLoaded)) OnLoaded();
    if (plan_.Wants("delete99_seek")) DeleteMostThenSeek();
    if (plan_.Wants("rangedelete_gets")) RangeDeletesAmongGets();
    for (uint64_t threads : {uint64_t{1}, uint64_t{8}}) {
      if (plan_.Wants("fillsync")) FillSync(threads);
    }
    Clear();
  }

 private:
  void Clear() {
    peer_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(plan_.subject.directory, ignored);
  }
  void OpenEmpty(DurabilityClass durability) {
    Clear();
    std::filesystem::create_directories(plan_.subject.directory);
    peer_ = OpenPeer(plan_.subject.engine,
                     {plan_.subject.directory, durability, plan_.subject.memory_bytes});
    if (!peer_) Fail(plan_.subject.engine, "this build has no such engine");
  }
  void PrintLine(std::string_view workload, uint64_t threads, const Measurement& m, Effect effect,
                 const Subject& subject) {
    if (plan_.Wants(workload)) Print(subject, workload, threads, m, effect);
  }
  void PrintLine(std::string_view workload, uint64_t threads, const Measurement& m, Effect effect) {
    PrintLine(workload, threads, m, effect, plan_.subject);
  }
  void Must(bool right, std::string_view workload) const {
    if (!right) Fail(plan_.subject.engine, std::string("wrong answer in ") + std::string(workload));
  }
  // A row drawn evenly, differently for each thread.
  uint64_t Draw(uint64_t thread, uint64_t call) const {
    return Scramble(call + thread * 0x1234567u) % rows_;
  }
  void PutRow(Session& session, uint64_t row, uint64_t version) const {
    RowKey(row, KeyBuffer());
    session.Put(KeyBuffer(), values_(row + version));
  }

  void FillSequential() {
    OpenEmpty(plan_.subject.durability);
    const Measurement m = Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
                              [&](Session& s, uint64_t, uint64_t call) { PutRow(s, call, 0); });
    peer_->Settle();
    PrintLine("fillseq", 1, m, Effect::kWrites);
  }

  // Rows come at the ends of several groups in turn, as those of collections under growing ids do.
  void FillGroups() {
    OpenEmpty(plan_.subject.durability);
    const uint64_t group_rows = rows_ / kGroups;
    Measurement m = Run(*peer_, 1, Until::Calls(group_rows * kGroups), kSampleEvery,
                        [&](Session& s, uint64_t, uint64_t call) {
                          PutRow(s, call % kGroups * group_rows + call / kGroups, 0);
                        });
    Extend(m, [&] { return peer_->Settle(); });
    PrintLine("fillgroups", 1, m, Effect::kWrites);
  }

  void FillBatch() {
    OpenEmpty(plan_.subject.durability);
    std::vector<Pair> pairs(kBatchRows);
    Measurement m = Run(*peer_, 1, Until::Calls(rows_ / kBatchRows), 1,
                        [&](Session& s, uint64_t, uint64_t call) {
                          for (uint64_t i = 0; i < kBatchRows; ++i) {
                            const uint64_t row = permutation_(call * kBatchRows + i);
                            RowKey(row, pairs[i].first);
                            pairs[i].second = values_(row);
                          }
                          s.PutBatch(pairs);
                        });
    m.operations *= kBatchRows;
    peer_->Settle();
    PrintLine("fillbatch", 1, m, Effect::kWrites);
  }

  // All rows as one sorted run, past the log; durable and readable when the call returns, so it is
  // in the class disk for everyone.
  void Ingest() {
    OpenEmpty(DurabilityClass::kDisk);
    bool has_call = false;
    Measurement m = Run(*peer_, 1, Until::Calls(1), 1, [&](Session& s, uint64_t, uint64_t) {
      has_call = s.Ingest(rows_, [&](uint64_t row, std::string& key) {
        RowKey(row, key);
        return values_(row);
      });
    });
    if (!has_call) return;
    m.operations = rows_;
    m.latencies_s.clear();  // one call is no distribution
    const auto session = peer_->NewSession();
    Must(session->Scan(kKeyPrefix, rows_ * 2, ScanOrder::kForward) == rows_, "ingest");
    for (uint64_t call = 0; call < kBatchRows; ++call) GetRow(*session, Draw(1, call), "ingest");
    Subject subject = plan_.subject;
    subject.durability = DurabilityClass::kDisk;
    PrintLine("ingest", 1, m, Effect::kWrites, subject);
  }

  // Fills with every row in random order; what follows works on that.
  void OnLoaded() {
    OpenEmpty(plan_.subject.durability);
    Measurement m =
        Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
            [&](Session& s, uint64_t, uint64_t call) { PutRow(s, permutation_(call), 0); });
    Extend(m, [&] { return peer_->Settle(); });
    PrintLine("fillrandom", 1, m, Effect::kWrites);
    if (plan_.Wants("overwrite")) Overwrite();
    Reads();
    Mixed();
    Deletes();
    Clear();
  }

  void Overwrite() {
    const Until until =
        plan_.overwrite_seconds > 0 ? Until::Seconds(plan_.overwrite_seconds) : Until::Calls(rows_);
    Measurement m = Run(*peer_, 1, until, kSampleEvery, [&](Session& s, uint64_t, uint64_t call) {
      PutRow(s, Draw(3, call), call);
    });
    Extend(m, [&] { return peer_->Settle(); });
    PrintLine("overwrite", 1, m, Effect::kWrites);
  }

  void Reads() {
    Run(*peer_, 1, Until::Calls(rows_ / 2), kSampleEvery,  // fills the caches
        [&](Session& s, uint64_t, uint64_t call) { GetRow(s, Draw(9, call), "warming up"); });
    for (uint64_t threads : {uint64_t{1}, uint64_t{2}}) {
      if (!plan_.Wants("readrandom")) break;
      PrintLine("readrandom", threads,
                Run(*peer_, threads, Until::Calls(rows_ / threads), kSampleEvery,
                    [&](Session& s, uint64_t thread, uint64_t call) {
                      GetRow(s, Draw(thread, call), "readrandom");
                    }),
                Effect::kReadsOnly);
    }
    if (plan_.Wants("multiget")) GetMany();
    if (plan_.Wants("readmissing")) {
      PrintLine("readmissing", 1,
                Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
                    [&](Session& s, uint64_t thread, uint64_t call) {
                      MissingKey(Draw(thread, call), KeyBuffer());
                      Must(!s.Get(KeyBuffer(), ValueBuffer()), "readmissing");
                    }),
                Effect::kReadsOnly);
    }
    if (plan_.Wants("zipfian")) {
      base::Prng prng(5);
      const Zipfian zipfian(rows_);
      PrintLine("zipfian", 1,
                Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
                    [&](Session& s, uint64_t, uint64_t) { GetRow(s, zipfian(prng), "zipfian"); }),
                Effect::kReadsOnly);
    }
    if (plan_.Wants("seek10")) Seeks("seek10");
    if (plan_.Wants("scan")) ScanAll("scan", ScanOrder::kForward, rows_);
    if (plan_.Wants("scanreverse")) ScanAll("scanreverse", ScanOrder::kReverse, rows_);
  }

  void GetRow(Session& session, uint64_t row, std::string_view workload) const {
    RowKey(row, KeyBuffer());
    std::string& value = ValueBuffer();
    Must(session.Get(KeyBuffer(), value) && value.size() == plan_.subject.value_bytes, workload);
  }

  // Counted by rows, as readrandom.
  void GetMany() {
    std::vector<std::string> keys(kManyKeys);
    Measurement m = Run(*peer_, 1, Until::Calls(rows_ / kManyKeys), 1,
                        [&](Session& s, uint64_t thread, uint64_t call) {
                          for (uint64_t i = 0; i < kManyKeys; ++i) {
                            RowKey(Draw(thread, call * kManyKeys + i), keys[i]);
                          }
                          uint64_t bytes = 0;
                          const uint64_t found = s.GetMany(keys, bytes);
                          Must(found == kManyKeys && bytes == kManyKeys * plan_.subject.value_bytes,
                               "multiget");
                        });
    m.operations *= kManyKeys;
    PrintLine("multiget", 1, m, Effect::kReadsOnly);
  }

  void Seeks(std::string_view workload) {
    PrintLine(workload, 1,
              Run(*peer_, 1, Until::Calls(rows_ / 4), 4,
                  [&](Session& s, uint64_t thread, uint64_t call) {
                    RowKey(Draw(thread, call), KeyBuffer());
                    s.Scan(KeyBuffer(), kSeekRows, ScanOrder::kForward);
                  }),
              Effect::kReadsOnly);
  }

  // `expected`: how many rows there are.
  void ScanAll(std::string_view workload, ScanOrder order, uint64_t expected) {
    const uint64_t passes = std::max<uint64_t>(1, kScannedRowsMin / expected);
    Measurement m = Run(*peer_, 1, Until::Calls(passes), 1, [&](Session& s, uint64_t, uint64_t) {
      const std::string_view from = order == ScanOrder::kForward ? kKeyPrefix : std::string_view();
      Must(s.Scan(from, rows_ * 2, order) == expected, workload);
    });
    m.operations *= expected;
    PrintLine(workload, 1, m, Effect::kReadsOnly);
  }

  void Mixed() {
    if (plan_.Wants("readwhilewriting")) ReadWhileWriting();
    if (plan_.Wants("ycsb_a")) Ycsb("ycsb_a", 50);
    if (plan_.Wants("ycsb_b")) Ycsb("ycsb_b", 5);
  }

  // One reader, and one writer that starts a write every 10 us whether or not the last has ended:
  // its latencies count from when each was due.
  void ReadWhileWriting() {
    std::atomic<bool> stop{false};
    Measurement writes;
    std::thread writer([&] {
      const auto session = peer_->NewSession();
      const double start = NowSeconds();
      while (!stop.load(std::memory_order_relaxed)) {
        const double due = start + static_cast<double>(writes.operations) / kWriterPerSecond;
        const double ahead = due - NowSeconds();
        if (ahead > 0) {
          std::this_thread::sleep_for(std::chrono::duration<double>(ahead));
          continue;
        }
        PutRow(*session, Draw(5, writes.operations), writes.operations);
        if (++writes.operations % kSampleEvery == 0) {
          writes.latencies_s.push_back(static_cast<float>(NowSeconds() - due));
        }
      }
      writes.seconds = NowSeconds() - start;
    });
    const Measurement reads = Run(*peer_, 1, Until::Seconds(plan_.seconds), kSampleEvery,
                                  [&](Session& s, uint64_t thread, uint64_t call) {
                                    GetRow(s, Draw(thread, call), "readwhilewriting");
                                  });
    stop.store(true);
    writer.join();
    PrintLine("readwhilewriting", 1, reads, Effect::kWrites);
    if (plan_.Wants("readwhilewriting")) {
      Print(plan_.subject, "writes_beside_reads", 1, writes, Effect::kWrites);
    }
    peer_->Settle();
  }

  void Ycsb(std::string_view workload, uint64_t updates_per_cent) {
    const Zipfian zipfian(rows_);
    base::Prng prng(7);
    PrintLine(workload, 1,
              Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
                  [&](Session& s, uint64_t, uint64_t call) {
                    const uint64_t row = zipfian(prng);
                    if (prng.Below(kPerCent) < updates_per_cent) {
                      PutRow(s, row, call);
                    } else {
                      GetRow(s, row, workload);
                    }
                  }),
              Effect::kWrites);
    peer_->Settle();
  }

  // Half of the rows, in random order; then the tombstones lie where rows are looked for.
  void Deletes() {
    if (!plan_.Wants("delete") && !plan_.Wants("seek10_after_deletes")) return;
    const Measurement m = Run(*peer_, 1, Until::Calls(rows_ / 2), kSampleEvery,
                              [&](Session& s, uint64_t, uint64_t call) {
                                RowKey(permutation_(call), KeyBuffer());
                                s.Delete(KeyBuffer());
                              });
    PrintLine("delete", 1, m, Effect::kWrites);
    if (plan_.Wants("seek10_after_deletes")) Seeks("seek10_after_deletes");
  }

  // Of a hundred neighbours 99 go; then a seek to where a deleted run begins must find the row
  // behind it.
  void DeleteMostThenSeek() {
    OpenEmpty(plan_.subject.durability);
    Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
        [&](Session& s, uint64_t, uint64_t call) { PutRow(s, permutation_(call), 0); });
    peer_->Settle();
    Run(*peer_, 1, Until::Calls(rows_), kSampleEvery, [&](Session& s, uint64_t, uint64_t call) {
      if (call % kPerCent == kPerCent - 1) return;
      RowKey(call, KeyBuffer());
      s.Delete(KeyBuffer());
    });
    const uint64_t groups = std::max<uint64_t>(1, rows_ / kPerCent);
    PrintLine("delete99_seek", 1,
              Run(*peer_, 1, Until::Calls(std::min<uint64_t>(rows_, 50'000)), 4,
                  [&](Session& s, uint64_t thread, uint64_t call) {
                    RowKey(Draw(thread, call) % groups * kPerCent, KeyBuffer());
                    Must(s.Scan(KeyBuffer(), 1, ScanOrder::kForward) == 1, "delete99_seek");
                  }),
              Effect::kReadsOnly);
  }

  void RangeDeletesAmongGets() {
    OpenEmpty(plan_.subject.durability);
    if (!peer_->NewSession()->DeleteRange("a", "b")) return;
    Run(*peer_, 1, Until::Calls(rows_), kSampleEvery,
        [&](Session& s, uint64_t, uint64_t call) { PutRow(s, permutation_(call), 0); });
    peer_->Settle();
    std::string end;
    PrintLine("rangedelete_gets", 1,
              Run(*peer_, 1, Until::Calls(rows_ / 2), kSampleEvery,
                  [&](Session& s, uint64_t thread, uint64_t call) {
                    const uint64_t row = Draw(thread, call);
                    RowKey(row, KeyBuffer());
                    if (call % kPerCent == 0) {
                      RowKey(row + kPerCent, end);
                      s.DeleteRange(KeyBuffer(), end);
                    } else {
                      s.Get(KeyBuffer(), ValueBuffer());
                    }
                  }),
              Effect::kWrites);
  }

  void FillSync(uint64_t threads) {
    OpenEmpty(DurabilityClass::kDisk);
    const Measurement m =
        Run(*peer_, threads, Until::Seconds(plan_.seconds), 1,
            [&](Session& s, uint64_t thread, uint64_t call) { PutRow(s, Draw(thread, call), 0); });
    Subject subject = plan_.subject;
    subject.durability = DurabilityClass::kDisk;
    PrintLine("fillsync", threads, m, Effect::kWrites, subject);
  }

  const Plan& plan_;
  const uint64_t rows_;
  const Permutation permutation_;
  const Values values_;
  std::unique_ptr<Peer> peer_;
};

}  // namespace

void RunWorkloads(const Plan& plan) { Workloads(plan).RunAll(); }

}  // namespace nexadb::bench
