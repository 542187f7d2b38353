#include "core/base/system_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "nexadb/sdk/guard.h"

namespace nexadb::base {
namespace {

// One write of zeros while allocating: large enough that the calls cost nothing, small enough to
// stay in the cache.
constexpr size_t kZeroChunkBytes = 64u << 10;
alignas(4096) constexpr uint8_t kZeros[kZeroChunkBytes] = {};

// A multiple of every page size that Linux has on our machines.
constexpr uint64_t kPageBytes = 64u << 10;

// Linux moves at most 0x7ffff000 bytes in one call; asking for less keeps sizes positive.
constexpr size_t kTransferBytesMax = 1u << 30;

Code CodeOf(int error) {
  switch (error) {
    case ENOENT: return Code::kNotFound;
    case EEXIST:
    case EWOULDBLOCK: return Code::kConflict;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Code::kResourceExhausted;
    default: return Code::kIoError;
  }
}

Status Failure(const char* call, std::string_view path, int error) {
  char text[256];
  std::string message(call);
  message.append(" ").append(path).append(": ");
  message.append(strerror_r(error, text, sizeof(text)));
  return Status::Error(CodeOf(error), message);
}

template <class Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Where a block that a file has stays its own: a store to a mapped page never asks for room, which
// the disk might not have, and for which a process would have to die.
bool KeepsItsBlocks(int descriptor) {
  struct statfs info;
  if (Retry([&] { return ::fstatfs(descriptor, &info); }) != 0) return false;
  const auto type = static_cast<unsigned long>(info.f_type);
  return type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC || type == TMPFS_MAGIC;
}

// Pages of a file in memory, at [begin, end) of it.
struct Window {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint8_t* memory = nullptr;

  bool Holds(uint64_t offset, size_t size) const {
    return memory != nullptr && offset >= begin && offset + size <= end;
  }
  void Close() {
    if (memory != nullptr) ::munmap(memory, end - begin);
    *this = {};
  }
};

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  Result<uint64_t> ReadAt(uint64_t offset, Span<uint8_t> out) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      size_t done = 0;
      while (done < out.size()) {
        size_t count = std::min(out.size() - done, kTransferBytesMax);
        ssize_t n = Retry([&] {
          return ::pread(descriptor_, out.data() + done, count, static_cast<off_t>(offset + done));
        });
        if (n < 0) return Failure("read", path_, errno);
        if (n == 0) break;
        done += static_cast<size_t>(n);
      }
      return static_cast<uint64_t>(done);
    });
  }

  Status WriteAt(uint64_t offset, BytesView data) noexcept override {
    if (window_.Holds(offset, data.size())) {
      std::memcpy(window_.memory + (offset - window_.begin), data.data(), data.size());
      return {};
    }
    return sdk::Guard([&] { return Write("write", offset, data); });
  }

  Status Sync() noexcept override {
    // No retry, not even after EINTR: a failed sync leaves the pages in doubt.
    return Check("fdatasync", ::fdatasync(descriptor_));
  }

  Status Allocate(uint64_t size) noexcept override {
    return sdk::Guard([&]() -> Status {
      auto old = Size();
      if (!old.ok()) return old.status();
      if (size <= *old) return {};
      // fallocate finds the space in one go; the zeros turn its unwritten extents into written
      // ones, which is what spares every later fdatasync a metadata commit.
      int reserved = Retry([&] {
        return ::fallocate(descriptor_, 0, static_cast<off_t>(*old),
                           static_cast<off_t>(size - *old));
      });
      Status status;
      if (reserved != 0 && errno != EOPNOTSUPP) status = Failure("fallocate", path_, errno);
      for (uint64_t at = *old; status.ok() && at < size; at += kZeroChunkBytes) {
        status = Write("allocate", at, {kZeros, std::min<uint64_t>(kZeroChunkBytes, size - at)});
      }
      if (!status.ok() && ::ftruncate(descriptor_, static_cast<off_t>(*old)) != 0) {
        return Failure("allocate, then truncate", path_, errno);
      }
      return status;
    });
  }

  Status Truncate(uint64_t size) noexcept override {
    if (size < window_.end) window_.Close();
    return Check("truncate",
                 Retry([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }));
  }

  Result<uint64_t> Size() noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      struct stat info;
      if (::fstat(descriptor_, &info) != 0) return Failure("stat", path_, errno);
      return static_cast<uint64_t>(info.st_size);
    });
  }

  void Release() noexcept override {
    window_.Close();
    ::close(descriptor_);
    delete this;
  }

  // Stores to a shared mapping are in the page cache, as those of write are: they outlive the
  // process, reads see them, and fdatasync takes them along.
  void ExpectWrites(uint64_t begin, uint64_t end) noexcept override {
    window_.Close();
    struct stat info;
    if (::fstat(descriptor_, &info) != 0 || static_cast<uint64_t>(info.st_size) < end) return;
    begin -= begin % kPageBytes;
    if (begin >= end || !KeepsItsBlocks(descriptor_)) return;
    void* memory = ::mmap(nullptr, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_,
                          static_cast<off_t>(begin));
    if (memory != MAP_FAILED) window_ = {begin, end, static_cast<uint8_t*>(memory)};
  }

 private:
  Status Check(const char* call, int result) noexcept {
    if (result == 0) return {};
    int error = errno;
    return sdk::Guard([&] { return Failure(call, path_, error); });
  }

  Status Write(const char* call, uint64_t offset, BytesView data) {
    size_t done = 0;
    while (done < data.size()) {
      size_t count = std::min(data.size() - done, kTransferBytesMax);
      ssize_t n = Retry([&] {
        return ::pwrite(descriptor_, data.data() + done, count, static_cast<off_t>(offset + done));
      });
      if (n < 0) return Failure(call, path_, errno);
      if (n == 0) return Failure(call, path_, EIO);
      done += static_cast<size_t>(n);
    }
    return {};
  }

  const int descriptor_;
  const std::string path_;
  Window window_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int descriptor) : descriptor_(descriptor) {}
  void Release() noexcept override {
    ::close(descriptor_);
    delete this;
  }

 private:
  const int descriptor_;
};

int OpenFlags(FileMode mode) {
  switch (mode) {
    case FileMode::kRead: return O_RDONLY;
    case FileMode::kReadWrite: return O_RDWR;
    case FileMode::kCreateNew: return O_RDWR | O_CREAT | O_EXCL;
    case FileMode::kCreate: return O_RDWR | O_CREAT;
    case FileMode::kTruncate: return O_RDWR | O_CREAT | O_TRUNC;
  }
  return -1;
}

class PosixFiles final : public FileSystem {
 public:
  Result<Handle<File>> Open(StringView path, FileMode mode) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<File>> {
      std::string name(path);
      int flags = OpenFlags(mode);
      if (flags < 0) return Failure("open", name, EINVAL);
      int descriptor = Retry([&] { return ::open(name.c_str(), flags | O_CLOEXEC, 0600); });
      if (descriptor < 0) return Failure("open", name, errno);
      return Handle<File>(new PosixFile(descriptor, std::move(name)));
    });
  }

  Status Remove(StringView path) noexcept override {
    return OnPath("remove", path, [](const char* p) { return ::unlink(p); });
  }
  Status Rename(StringView from, StringView to) noexcept override {
    return OnPaths("rename", from, to, [](const char* a, const char* b) {
      return ::renameat(AT_FDCWD, a, AT_FDCWD, b);
    });
  }
  Status Link(StringView from, StringView to) noexcept override {
    return OnPaths("link", from, to, [](const char* a, const char* b) { return ::link(a, b); });
  }
  Status RemoveDirectory(StringView path) noexcept override {
    return OnPath("remove directory", path, [](const char* p) { return ::rmdir(p); });
  }

  Status CreateDirectories(StringView path) noexcept override {
    return sdk::Guard([&]() -> Status {
      std::string name(path);
      for (size_t end = 0; end < name.size();) {
        end = name.find('/', end + 1);
        if (end == std::string::npos) end = name.size();
        std::string prefix = name.substr(0, end);
        if (::mkdir(prefix.c_str(), 0700) == 0) {
          // Made durable at once: a directory is made seldom, and all that is in it hangs on it.
          size_t slash = prefix.find_last_of('/', prefix.find_last_not_of('/'));
          Status synced = SyncDirectory(slash == std::string::npos ? "."
                                        : slash == 0               ? "/"
                                                                   : prefix.substr(0, slash));
          if (!synced.ok()) return synced;
          continue;
        }
        int error = errno;
        struct stat info;
        // Any error is fine where a directory stands already: a parent may be read-only.
        if (::stat(prefix.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
        return Failure("create directory", prefix, error);
      }
      return {};
    });
  }

  Status SyncDirectory(StringView path) noexcept override {
    return sdk::Guard([&]() -> Status {
      std::string name(path);
      int descriptor =
          Retry([&] { return ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
      if (descriptor < 0) return Failure("open directory", name, errno);
      int result = ::fsync(descriptor);
      int error = errno;
      ::close(descriptor);
      if (result != 0) return Failure("fsync directory", name, error);
      return {};
    });
  }

  Status List(StringView path, const DirectorySink& sink) noexcept override {
    return sdk::Guard([&]() -> Status {
      std::string name(path);
      std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(name.c_str()), ::closedir);
      if (directory == nullptr) return Failure("open directory", name, errno);
      while (true) {
        errno = 0;
        const dirent* entry = ::readdir(directory.get());
        if (entry == nullptr) break;
        std::string_view found(entry->d_name);
        if (found != "." && found != "..") sink.entry(sink.state, found);
      }
      if (errno != 0) return Failure("read directory", name, errno);
      return {};
    });
  }

  bool Exists(StringView path) noexcept override {
    return OnPath("access", path, [](const char* p) { return ::access(p, F_OK); }).ok();
  }

  Result<uint64_t> FileSize(StringView path) noexcept override {
    struct stat info;
    Status status = OnPath("stat", path, [&](const char* p) { return ::stat(p, &info); });
    if (!status.ok()) return status;
    return static_cast<uint64_t>(info.st_size);
  }

  Result<uint64_t> FreeBytes(StringView path) noexcept override {
    struct statvfs info;
    Status status = OnPath("statvfs", path, [&](const char* p) { return ::statvfs(p, &info); });
    if (!status.ok()) return status;
    return static_cast<uint64_t>(info.f_bavail) * static_cast<uint64_t>(info.f_frsize);
  }

  Result<Handle<FileLock>> Lock(StringView path) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<FileLock>> {
      std::string name(path);
      int descriptor = Retry(
          [&] { return ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); });
      if (descriptor < 0) return Failure("open", name, errno);
      // flock belongs to the open file, so a second Lock of this process conflicts as well.
      if (Retry([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) != 0) {
        int error = errno;
        ::close(descriptor);
        return Failure("lock", name, error);
      }
      return Handle<FileLock>(new PosixLock(descriptor));
    });
  }

 private:
  template <class Call>
  Status OnPath(const char* what, StringView path, Call call) noexcept {
    return sdk::Guard([&]() -> Status {
      std::string name(path);
      if (call(name.c_str()) != 0) return Failure(what, name, errno);
      return {};
    });
  }

  template <class Call>
  Status OnPaths(const char* what, StringView from, StringView to, Call call) noexcept {
    return sdk::Guard([&]() -> Status {
      std::string a(from), b(to);
      if (call(a.c_str(), b.c_str()) != 0) return Failure(what, a + " to " + b, errno);
      return {};
    });
  }
};

}  // namespace

FileSystem& SystemFiles() noexcept {
  static PosixFiles files;
  static_assert(std::is_trivially_destructible_v<PosixFiles>);
  return files;
}

}  // namespace nexadb::base
