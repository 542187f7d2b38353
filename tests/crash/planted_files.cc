#include "tests/crash/planted_files.h"

#include <string_view>

namespace nexadb::crash {
namespace {

class PlantedFile final : public File {
 public:
  PlantedFile(Handle<File> file, std::string path, BrokenPromise promise)
      : file_(std::move(file)), path_(std::move(path)), promise_(promise) {}
  virtual ~PlantedFile() = default;
  Result<uint64_t> ReadAt(uint64_t offset, Span<uint8_t> out) noexcept override {
    return file_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, BytesView data) noexcept override {
    return file_->WriteAt(offset, data);
  }
  Status Sync() noexcept override {
    if (Has(".wal") && promise_ == BrokenPromise::kNoSyncOfLogs) return Status::Ok();
    if (Has(".sst") && promise_ == BrokenPromise::kNoSyncOfTables) return Status::Ok();
    if (Has("MANIFEST") && promise_ == BrokenPromise::kNoSyncOfManifests) return Status::Ok();
    if (Has("CURRENT") && promise_ == BrokenPromise::kNoSyncOfCurrent) return Status::Ok();
    if (Has(".wal") && promise_ == BrokenPromise::kLateSyncOfLogs && ++syncs_ % 2 == 1) {
      return Status::Ok();
    }
    Status status = file_->Sync();
    if (status.ok() || promise_ != BrokenPromise::kSyncTriedAgain) return status;
    return file_->Sync();
  }
  Status Allocate(uint64_t size) noexcept override { return file_->Allocate(size); }
  Status Truncate(uint64_t size) noexcept override { return file_->Truncate(size); }
  Result<uint64_t> Size() noexcept override { return file_->Size(); }
  void Release() noexcept override { delete this; }

 private:
  bool Has(std::string_view part) const { return path_.find(part) != std::string::npos; }

  Handle<File> file_;
  const std::string path_;
  const BrokenPromise promise_;
  uint64_t syncs_ = 0;
};

class PlantedFiles final : public FileSystem {
 public:
  PlantedFiles(FileSystem& files, BrokenPromise promise) : files_(files), promise_(promise) {}
  virtual ~PlantedFiles() = default;
  Result<Handle<File>> Open(StringView path, FileMode mode) noexcept override {
    auto file = files_.Open(path, mode);
    if (!file.ok()) return file;
    return Handle<File>(
        new PlantedFile(std::move(*file), std::string(std::string_view(path)), promise_));
  }
  Status Remove(StringView path) noexcept override { return files_.Remove(path); }
  Status Rename(StringView from, StringView to) noexcept override {
    return files_.Rename(from, to);
  }
  Status Link(StringView from, StringView to) noexcept override { return files_.Link(from, to); }
  Status CreateDirectories(StringView path) noexcept override {
    return files_.CreateDirectories(path);
  }
  Status RemoveDirectory(StringView path) noexcept override { return files_.RemoveDirectory(path); }
  Status SyncDirectory(StringView path) noexcept override {
    if (promise_ == BrokenPromise::kNoSyncOfDirectories) return Status::Ok();
    return files_.SyncDirectory(path);
  }
  Status List(StringView path, const DirectorySink& sink) noexcept override {
    return files_.List(path, sink);
  }
  bool Exists(StringView path) noexcept override { return files_.Exists(path); }
  Result<uint64_t> FileSize(StringView path) noexcept override { return files_.FileSize(path); }
  Result<uint64_t> FreeBytes(StringView path) noexcept override { return files_.FreeBytes(path); }
  Result<Handle<FileLock>> Lock(StringView path) noexcept override { return files_.Lock(path); }

 private:
  FileSystem& files_;
  const BrokenPromise promise_;
};

class PlantedMachine final : public Env {
 public:
  PlantedMachine(base::SimEnv& env, BrokenPromise promise)
      : env_(env), files_(env.Files(), promise) {}
  virtual ~PlantedMachine() = default;
  FileSystem& Files() noexcept override { return files_; }
  nexadb::Clock& Clock() noexcept override { return env_.Clock(); }
  nexadb::Random& Random() noexcept override { return env_.Random(); }
  Handle<Mutex> NewMutex() noexcept override { return env_.NewMutex(); }
  Handle<CondVar> NewCondVar() noexcept override { return env_.NewCondVar(); }
  Result<Handle<Thread>> StartThread(StringView name, const Callback& body) noexcept override {
    return env_.StartThread(name, body);
  }
  void SleepNs(uint64_t duration_ns) noexcept override { env_.SleepNs(duration_ns); }

 private:
  base::SimEnv& env_;
  PlantedFiles files_;
};

std::unique_ptr<PlantedMachine>& Slot() {
  static auto* slot = new std::unique_ptr<PlantedMachine>();
  return *slot;
}

}  // namespace

Env* Planted(base::SimEnv& env, BrokenPromise promise) {
  Slot() = std::make_unique<PlantedMachine>(env, promise);
  return Slot().get();
}

}  // namespace nexadb::crash
