#include "bench/storage/cost_curve.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "bench/storage/rows.h"

namespace nexadb::bench {
namespace {

constexpr uint64_t kReadsMax = 1'000'000;
constexpr uint64_t kSeekRows = 10;
constexpr uint64_t kSampleEvery = 64;

double CpuMicroseconds(const Measurement& m) {
  return m.cpu_seconds / static_cast<double>(m.operations) * 1e6;
}

}  // namespace

void RunCostCurve(const Plan& plan) {
  const Subject& subject = plan.subject;
  const Permutation permutation(plan.rows);
  const Values values(subject.value_bytes);
  std::error_code ignored;
  std::filesystem::remove_all(subject.directory, ignored);
  std::filesystem::create_directories(subject.directory);
  std::unique_ptr<Peer> peer = OpenPeer(subject.engine, {subject.directory, subject.durability});
  if (!peer) Fail(subject.engine, "this build has no such engine");
  std::string key;
  std::string value;
  const uint64_t written_before = WrittenBytes();
  Measurement fill = Run(*peer, 1, Until::Calls(plan.rows), kSampleEvery,
                         [&](Session& s, uint64_t, uint64_t call) {
                           const uint64_t row = permutation(call);
                           RowKey(row, key);
                           s.Put(key, values(row));
                         });
  Extend(fill, [&] { return peer->Settle(); });
  const double amplification = static_cast<double>(WrittenBytes() - written_before) /
                               static_cast<double>(plan.rows * (kKeyBytes + subject.value_bytes));
  peer.reset();
  const double closed = NowSeconds();
  peer = OpenPeer(subject.engine, {subject.directory, subject.durability});
  RowKey(0, key);
  if (!peer->NewSession()->Get(key, value)) Fail(subject.engine, "the first row is gone");
  const double reopen_seconds = NowSeconds() - closed;
  auto read = [&](Session& s, uint64_t, uint64_t call) {
    RowKey(Scramble(call) % plan.rows, key);
    if (!s.Get(key, value)) Fail(subject.engine, "a row is gone");
  };
  const uint64_t reads = std::min(plan.rows, kReadsMax);
  Run(*peer, 1, Until::Calls(reads), kSampleEvery, read);  // fills the caches
  const Measurement gets = Run(*peer, 1, Until::Calls(reads), kSampleEvery, read);
  const Measurement seeks = Run(*peer, 1, Until::Calls(reads / 4), kSampleEvery,
                                [&](Session& s, uint64_t, uint64_t call) {
                                  RowKey(Scramble(call) % plan.rows, key);
                                  s.Scan(key, kSeekRows, ScanOrder::kForward);
                                });
  std::printf(
      "{\"suite\":\"storage_curve\",\"engine\":\"%s\",\"rows\":%llu,\"value_bytes\":%llu,"
      "\"fill_ops_s\":%.0f,\"write_amplification\":%.2f,\"read_cpu_us\":%.3f,"
      "\"seek10_cpu_us\":%.3f,\"reopen_s\":%.3f,\"disk_bytes\":%llu,\"rss_bytes\":%llu}\n",
      subject.engine.c_str(), static_cast<unsigned long long>(plan.rows),
      static_cast<unsigned long long>(subject.value_bytes),
      static_cast<double>(fill.operations) / fill.seconds, amplification, CpuMicroseconds(gets),
      CpuMicroseconds(seeks), reopen_seconds,
      static_cast<unsigned long long>(DiskBytes(subject.directory)),
      static_cast<unsigned long long>(ResidentBytes()));
  peer.reset();
  std::filesystem::remove_all(subject.directory, ignored);
}

}  // namespace nexadb::bench
