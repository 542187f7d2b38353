// TestEnv: the system's Env, with a hand on it: its clock can be set on, its operations can fail,
// and its disk can be held. Internal to the test kit; real threads may use it, unlike SimEnv.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "nexadb/env.h"

namespace nexadb::testkit {

class TestEnv final : public Env {
 public:
  TestEnv();
  ~TestEnv();

  FileSystem& Files() noexcept override;
  nexadb::Clock& Clock() noexcept override;
  nexadb::Random& Random() noexcept override;
  Handle<Mutex> NewMutex() noexcept override;
  Handle<CondVar> NewCondVar() noexcept override;
  Result<Handle<Thread>> StartThread(StringView name, const Callback& body) noexcept override;
  void SleepNs(uint64_t duration_ns) noexcept override;

  // Sets both clocks on. [any]
  void Advance(uint64_t ms) noexcept { offset_ms_ += ms; }

  // Every call that changes a file, opens one or starts a thread is an operation. From the n-th
  // on (0 the next one) all fail until Heal. [any]
  void FailFrom(uint64_t n) noexcept;
  void Heal() noexcept;
  // Whether an operation has failed since FailFrom.
  bool HasFailed() const noexcept { return failed_; }

  // Holds every Sync until Resume. WaitUntilHeld is true once one waits; false when `done` came
  // true first. [any]
  void HoldSyncs() noexcept;
  bool WaitUntilHeld(const std::atomic<bool>& done) noexcept;
  void Resume() noexcept;

 private:
  class TestClock;
  class TestFile;
  class TestFiles;

  Status Operation() noexcept;
  void Gate() noexcept;

  std::atomic<uint64_t> offset_ms_{0};
  std::atomic<int64_t> operations_left_;
  std::atomic<bool> failed_{false};
  std::mutex gate_mutex_;
  std::condition_variable gate_changed_;
  bool holding_ = false;  // guarded by gate_mutex_, as is the next
  uint64_t held_ = 0;
  std::unique_ptr<TestClock> clock_;
  std::unique_ptr<TestFiles> files_;
};

}  // namespace nexadb::testkit
