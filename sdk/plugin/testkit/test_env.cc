#include "test_env.h"

#include <chrono>
#include <limits>
#include <new>
#include <utility>

#include "core/base/system_env.h"

namespace nexadb::testkit {
namespace {

constexpr int64_t kNeverFails = std::numeric_limits<int64_t>::max();
constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

class TestEnv::TestClock final : public nexadb::Clock {
 public:
  explicit TestClock(TestEnv& env) : env_(env) {}
  uint64_t MonotonicNs() noexcept override {
    return base::SystemEnv().Clock().MonotonicNs() + env_.offset_ms_ * kNsPerMs;
  }
  int64_t UnixMs() noexcept override {
    return base::SystemEnv().Clock().UnixMs() + static_cast<int64_t>(env_.offset_ms_.load());
  }

 private:
  TestEnv& env_;
};

class TestEnv::TestFile final : public File {
 public:
  TestFile(TestEnv& env, Handle<File> file) : env_(env), file_(std::move(file)) {}
  Result<uint64_t> ReadAt(uint64_t offset, Span<uint8_t> out) noexcept override {
    return file_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, BytesView data) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return file_->WriteAt(offset, data);
  }
  Status Sync() noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    env_.Gate();
    return file_->Sync();
  }
  Status Allocate(uint64_t size) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return file_->Allocate(size);
  }
  Status Truncate(uint64_t size) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return file_->Truncate(size);
  }
  Result<uint64_t> Size() noexcept override { return file_->Size(); }
  void Release() noexcept override { delete this; }

 private:
  TestEnv& env_;
  const Handle<File> file_;
};

class TestEnv::TestFiles final : public FileSystem {
 public:
  explicit TestFiles(TestEnv& env) : env_(env), real_(base::SystemEnv().Files()) {}
  Result<Handle<File>> Open(StringView path, FileMode mode) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    auto file = real_.Open(path, mode);
    if (!file.ok()) return file;
    auto* wrapped = new (std::nothrow) TestFile(env_, std::move(*file));
    if (wrapped == nullptr) return Status::Error(Code::kResourceExhausted, "out of memory");
    return Handle<File>(wrapped);
  }
  // Removals are never refused: a failed start must be able to clean up behind itself.
  Status Remove(StringView path) noexcept override { return real_.Remove(path); }
  Status Rename(StringView from, StringView to) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return real_.Rename(from, to);
  }
  Status Link(StringView from, StringView to) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return real_.Link(from, to);
  }
  Status CreateDirectories(StringView path) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return real_.CreateDirectories(path);
  }
  Status RemoveDirectory(StringView path) noexcept override { return real_.RemoveDirectory(path); }
  Status SyncDirectory(StringView path) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    env_.Gate();
    return real_.SyncDirectory(path);
  }
  Status List(StringView path, const DirectorySink& sink) noexcept override {
    return real_.List(path, sink);
  }
  bool Exists(StringView path) noexcept override { return real_.Exists(path); }
  Result<uint64_t> FileSize(StringView path) noexcept override { return real_.FileSize(path); }
  Result<uint64_t> FreeBytes(StringView path) noexcept override { return real_.FreeBytes(path); }
  Result<Handle<FileLock>> Lock(StringView path) noexcept override {
    if (Status s = env_.Operation(); !s.ok()) return s;
    return real_.Lock(path);
  }

 private:
  TestEnv& env_;
  FileSystem& real_;
};

TestEnv::TestEnv()
    : operations_left_(kNeverFails),
      clock_(std::make_unique<TestClock>(*this)),
      files_(std::make_unique<TestFiles>(*this)) {}
TestEnv::~TestEnv() = default;

FileSystem& TestEnv::Files() noexcept { return *files_; }
nexadb::Clock& TestEnv::Clock() noexcept { return *clock_; }
nexadb::Random& TestEnv::Random() noexcept { return base::SystemEnv().Random(); }
Handle<Mutex> TestEnv::NewMutex() noexcept { return base::SystemEnv().NewMutex(); }
Handle<CondVar> TestEnv::NewCondVar() noexcept { return base::SystemEnv().NewCondVar(); }
Result<Handle<Thread>> TestEnv::StartThread(StringView name, const Callback& body) noexcept {
  if (Status s = Operation(); !s.ok()) return s;
  return base::SystemEnv().StartThread(name, body);
}
void TestEnv::SleepNs(uint64_t duration_ns) noexcept { base::SystemEnv().SleepNs(duration_ns); }

void TestEnv::FailFrom(uint64_t n) noexcept {
  failed_ = false;
  operations_left_ = static_cast<int64_t>(n);
}
void TestEnv::Heal() noexcept { operations_left_ = kNeverFails; }

Status TestEnv::Operation() noexcept {
  if (operations_left_.fetch_sub(1) > 0) return {};
  operations_left_ = 0;
  failed_ = true;
  return Status::Error(Code::kIoError, "the law lets this operation fail");
}

void TestEnv::HoldSyncs() noexcept {
  std::lock_guard<std::mutex> lock(gate_mutex_);
  holding_ = true;
}
void TestEnv::Gate() noexcept {
  std::unique_lock<std::mutex> lock(gate_mutex_);
  if (!holding_) return;
  ++held_;
  gate_changed_.notify_all();
  gate_changed_.wait(lock, [&] { return !holding_; });
  --held_;
}
bool TestEnv::WaitUntilHeld(const std::atomic<bool>& done) noexcept {
  std::unique_lock<std::mutex> lock(gate_mutex_);
  while (held_ == 0 && !done) gate_changed_.wait_for(lock, std::chrono::milliseconds(1));
  return held_ > 0;
}
void TestEnv::Resume() noexcept {
  std::lock_guard<std::mutex> lock(gate_mutex_);
  holding_ = false;
  gate_changed_.notify_all();
}

}  // namespace nexadb::testkit
