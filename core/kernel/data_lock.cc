#include "core/kernel/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/system_env.h"

namespace nexadb::kernel {
namespace {

std::string ReadHolder(int fd) {
  char text[32];
  const ssize_t size = ::pread(fd, text, sizeof(text), 0);
  std::string holder(text, size > 0 ? static_cast<size_t>(size) : 0);
  return holder.substr(0, holder.find('\n'));
}

}  // namespace

DataLock::~DataLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status DataLock::Acquire(const std::string& data_dir) {
  if (Status s = base::SystemEnv().Files().CreateDirectories(data_dir); !s.ok()) return s;
  const std::string path = data_dir + "/LOCK";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return Status::Error(Code::kIoError, path + ": " + std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Status::Error(Code::kIoError, path + ": " + std::strerror(errno));
    }
    return Status::Error(Code::kConflict, data_dir + " is in use by another kernel (pid " +
                                              ReadHolder(fd_) +
                                              "); stop it or choose another data_dir");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  const bool written = ::ftruncate(fd_, 0) == 0 &&
                       ::pwrite(fd_, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
  if (!written) return Status::Error(Code::kIoError, path + ": " + std::strerror(errno));
  return {};
}

}  // namespace nexadb::kernel
