#include "plugins/storage-lsm/encryption/key_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// A line of each of kMasterKeysMax keys, and as much again for comments.
constexpr size_t kKeyFileBytesMax = 16u << 10;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

// Wiped when it goes.
struct FileText {
  std::array<char, kKeyFileBytesMax + 1> bytes{};
  size_t size = 0;
  ~FileText() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

Status Failed(const std::string& path) {
  return Status::Error(errno == ENOENT   ? Code::kNotFound
                       : errno == EACCES ? Code::kPermissionDenied
                                         : Code::kIoError,
                       "encryption_key_file " + path + ": " + std::strerror(errno));
}

Status CheckOwner(const std::string& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return Invalid("encryption_key_file " + path + ": not a file");
  if (file.st_uid != ::geteuid() && file.st_uid != 0) {
    return Status::Error(Code::kPermissionDenied,
                         "encryption_key_file " + path +
                             ": belongs to another user than the one who runs this process");
  }
  if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Status::Error(Code::kPermissionDenied,
                         "encryption_key_file " + path +
                             ": others than its owner have access to it; run chmod 600 " + path);
  }
  return Status::Ok();
}

}  // namespace

Result<std::shared_ptr<const KeyRing>> ReadKeyFile(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return Failed(path);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return Failed(path);
  LSM_RETURN_IF_ERROR(CheckOwner(path, about));
  FileText text;
  while (text.size < text.bytes.size()) {
    const ssize_t got =
        ::read(file.get(), text.bytes.data() + text.size, text.bytes.size() - text.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(path);
    if (got == 0) break;
    text.size += static_cast<size_t>(got);
  }
  if (text.size > kKeyFileBytesMax) {
    return Invalid("encryption_key_file " + path + ": larger than any file of keys");
  }
  return KeyRing::Parse({text.bytes.data(), text.size}, path);
}

}  // namespace nexadb::lsm
