#include "core/base/sim_env.h"

#include <string>

#include "core/base/checksum.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::base {
namespace {

// 2024-01-01T00:00:00Z: where virtual wall time begins.
constexpr int64_t kEpochUnixMs = 1'704'067'200'000;
constexpr uint64_t kNsPerMs = 1'000'000;
// A look at the clock takes a moment, so that a loop until a deadline ends.
constexpr uint64_t kClockReadNs = 100;
// A sync takes up to so long, in which others run: that is how group commits form.
constexpr uint64_t kSyncNsMax = 1'000'000;

class SimMutex final : public Mutex {
 public:
  explicit SimMutex(SimScheduler& scheduler) : scheduler_(scheduler) {
    lock_.id = scheduler.NewId();
  }
  void Lock() noexcept override { scheduler_.Acquire(lock_); }
  bool TryLock() noexcept override { return scheduler_.TryAcquire(lock_); }
  void Unlock() noexcept override { scheduler_.Drop(lock_); }
  void Release() noexcept override { delete this; }
  SimScheduler::Lock& lock() noexcept { return lock_; }

 private:
  SimScheduler& scheduler_;
  SimScheduler::Lock lock_;
};

class SimCondVar final : public CondVar {
 public:
  explicit SimCondVar(SimScheduler& scheduler) : scheduler_(scheduler), id_(scheduler.NewId()) {}
  void Wait(Mutex& mutex) noexcept override { WaitFor(mutex, UINT64_MAX); }
  bool WaitFor(Mutex& mutex, uint64_t timeout_ns) noexcept override {
    return scheduler_.Wait(this, id_, static_cast<SimMutex&>(mutex).lock(), timeout_ns);
  }
  void NotifyOne() noexcept override { scheduler_.Notify(this, SimScheduler::Wake::kOne); }
  void NotifyAll() noexcept override { scheduler_.Notify(this, SimScheduler::Wake::kAll); }
  void Release() noexcept override { delete this; }

 private:
  SimScheduler& scheduler_;
  const uint64_t id_;
};

class SimThread final : public Thread {
 public:
  SimThread(SimScheduler& scheduler, SimScheduler::Task* task)
      : scheduler_(scheduler), task_(task) {}
  void Join() noexcept override { scheduler_.Join(task_); }
  void Release() noexcept override { delete this; }

 private:
  SimScheduler& scheduler_;
  SimScheduler::Task* const task_;
};

}  // namespace

// The interfaces that SimEnv hands out by reference.
class SimEnv::Parts final : public FileSystem {
 public:
  explicit Parts(SimEnv& env) : clock_(env), random_(env), env_(env) {}

  class VirtualClock final : public nexadb::Clock {
   public:
    explicit VirtualClock(SimEnv& env) : env_(env) {}
    uint64_t MonotonicNs() noexcept override {
      env_.scheduler_.Advance(kClockReadNs);
      return env_.scheduler_.now_ns();
    }
    int64_t UnixMs() noexcept override {
      return kEpochUnixMs + env_.wall_step_ms_ + static_cast<int64_t>(MonotonicNs() / kNsPerMs);
    }

   private:
    SimEnv& env_;
  };

  class SeededRandom final : public nexadb::Random {
   public:
    explicit SeededRandom(SimEnv& env) : env_(env) {}
    void Fill(Span<uint8_t> out) noexcept override {
      for (uint8_t& byte : out) byte = static_cast<uint8_t>(env_.random_.Next());
    }

   private:
    SimEnv& env_;
  };

  // A scheduling point, then `call` on the disk, then a line of history.
  template <class Call>
  auto Do(FileOp op, std::string_view path, uint64_t detail, Call call) noexcept
      -> decltype(call()) {
    return sdk::Guard([&] {
      env_.scheduler_.Yield();
      auto result = call();
      env_.scheduler_.Record(Checksum64(AsBytes(path), static_cast<uint64_t>(op)),
                             Checksum64({}, detail * 2 + (result.ok() ? 1 : 0)));
      return result;
    });
  }
  void Latency() { env_.scheduler_.SleepFor(1 + env_.latency_.Below(kSyncNsMax)); }
  SimDisk& disk() noexcept { return env_.disk_; }

  class SimFile final : public File {
   public:
    SimFile(Parts& parts, SimDisk::OpenFile file) : parts_(parts), file_(std::move(file)) {}
    Result<uint64_t> ReadAt(uint64_t offset, Span<uint8_t> out) noexcept override {
      return parts_.Do(FileOp::kRead, file_.path, offset,
                       [&] { return disk().ReadAt(file_, offset, out); });
    }
    Status WriteAt(uint64_t offset, BytesView data) noexcept override {
      return parts_.Do(FileOp::kWrite, file_.path, Checksum64(data, offset),
                       [&] { return disk().WriteAt(file_, offset, data); });
    }
    Status Sync() noexcept override {
      return parts_.Do(FileOp::kSync, file_.path, 0, [&] {
        parts_.Latency();
        return disk().Sync(file_);
      });
    }
    Status Allocate(uint64_t size) noexcept override {
      return parts_.Do(FileOp::kAllocate, file_.path, size,
                       [&] { return disk().Allocate(file_, size); });
    }
    Status Truncate(uint64_t size) noexcept override {
      return parts_.Do(FileOp::kTruncate, file_.path, size,
                       [&] { return disk().Truncate(file_, size); });
    }
    Result<uint64_t> Size() noexcept override {
      return parts_.Do(FileOp::kAny, file_.path, 0, [&] { return disk().Size(file_); });
    }
    void Release() noexcept override { delete this; }

   private:
    SimDisk& disk() noexcept { return parts_.disk(); }
    Parts& parts_;
    const SimDisk::OpenFile file_;
  };

  class SimLock final : public FileLock {
   public:
    SimLock(Parts& parts, SimDisk::OpenFile file) : parts_(parts), file_(std::move(file)) {}
    void Release() noexcept override {
      parts_.disk().Unlock(file_);
      delete this;
    }

   private:
    Parts& parts_;
    const SimDisk::OpenFile file_;
  };

  Result<Handle<File>> Open(StringView path, FileMode mode) noexcept override {
    return Do(FileOp::kOpen, path, static_cast<uint64_t>(mode), [&]() -> Result<Handle<File>> {
      auto file = disk().Open(path, mode);
      if (!file.ok()) return file.status();
      return Handle<File>(new SimFile(*this, std::move(*file)));
    });
  }
  Status Remove(StringView path) noexcept override {
    return Do(FileOp::kRemove, path, 0, [&] { return disk().Remove(path); });
  }
  Status Rename(StringView from, StringView to) noexcept override {
    return Do(FileOp::kRename, from, Checksum64(AsBytes(to)),
              [&] { return disk().Rename(from, to); });
  }
  Status Link(StringView from, StringView to) noexcept override {
    return Do(FileOp::kLink, from, Checksum64(AsBytes(to)), [&] { return disk().Link(from, to); });
  }
  Status CreateDirectories(StringView path) noexcept override {
    return Do(FileOp::kCreateDirectories, path, 0, [&] { return disk().CreateDirectories(path); });
  }
  Status RemoveDirectory(StringView path) noexcept override {
    return Do(FileOp::kRemoveDirectory, path, 0, [&] { return disk().RemoveDirectory(path); });
  }
  Status SyncDirectory(StringView path) noexcept override {
    return Do(FileOp::kSyncDirectory, path, 0, [&] {
      Latency();
      return disk().SyncDirectory(path);
    });
  }
  Status List(StringView path, const DirectorySink& sink) noexcept override {
    return Do(FileOp::kList, path, 0, [&]() -> Status {
      std::vector<std::string> names;
      Status status = disk().List(path, &names);
      for (const std::string& name : names) sink.entry(sink.state, name);
      return status;
    });
  }
  bool Exists(StringView path) noexcept override {
    env_.scheduler_.Yield();
    return disk().Exists(path);
  }
  Result<uint64_t> FileSize(StringView path) noexcept override {
    return Do(FileOp::kAny, path, 0, [&] { return disk().FileSize(path); });
  }
  Result<uint64_t> FreeBytes(StringView path) noexcept override {
    return Do(FileOp::kAny, path, 0, [&] { return disk().FreeBytes(); });
  }
  Result<Handle<FileLock>> Lock(StringView path) noexcept override {
    return Do(FileOp::kLock, path, 0, [&]() -> Result<Handle<FileLock>> {
      auto file = disk().Lock(path);
      if (!file.ok()) return file.status();
      return Handle<FileLock>(new SimLock(*this, std::move(*file)));
    });
  }

  VirtualClock clock_;
  SeededRandom random_;

 private:
  SimEnv& env_;
};

SimEnv::SimEnv(const SimOptions& options)
    : seed_(options.seed),
      scheduler_(options.seed, options.switch_one_in),
      disk_(options.seed + 1),
      random_(options.seed + 2),
      latency_(options.seed + 3),
      parts_(std::make_unique<Parts>(*this)) {}

SimEnv::~SimEnv() = default;

FileSystem& SimEnv::Files() noexcept { return *parts_; }
nexadb::Clock& SimEnv::Clock() noexcept { return parts_->clock_; }
nexadb::Random& SimEnv::Random() noexcept { return parts_->random_; }
Handle<Mutex> SimEnv::NewMutex() noexcept { return Handle<Mutex>(new SimMutex(scheduler_)); }
Handle<CondVar> SimEnv::NewCondVar() noexcept {
  return Handle<CondVar>(new SimCondVar(scheduler_));
}
Result<Handle<Thread>> SimEnv::StartThread(StringView name, const Callback& body) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Thread>> {
    return Handle<Thread>(new SimThread(scheduler_, scheduler_.Start(name, body)));
  });
}
void SimEnv::SleepNs(uint64_t duration_ns) noexcept { scheduler_.SleepFor(duration_ns); }

}  // namespace nexadb::base
