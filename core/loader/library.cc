#include "core/loader/library.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOST_DLL_USE_STD_FS
#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <map>
#include <vector>

#include "core/base/elf_section.h"
#include "core/base/suggest.h"
#include "core/loader/fingerprint.h"

namespace nexadb::loader {
namespace {

namespace fs = std::filesystem;

Status About(const std::string& path, Code code, std::string_view message) {
  return Status::Error(code, path + ": " + std::string(message));
}

// A file mapped for reading, closed on scope exit.
class MappedFile {
 public:
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(data_, size_);
    if (fd_ >= 0) ::close(fd_);
  }
  Status Open(const std::string& path) {
    // Not to wait for the writer of what turns out to be a pipe.
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd_ < 0 && errno == ELOOP) {
      return About(path, Code::kPermissionDenied,
                   "is a symbolic link, which can be turned elsewhere after the check; "
                   "name the file itself");
    }
    if (fd_ < 0) return About(path, Code::kNotFound, std::strerror(errno));
    struct stat info;
    if (::fstat(fd_, &info) != 0) return About(path, Code::kIoError, std::strerror(errno));
    if (!S_ISREG(info.st_mode)) return About(path, Code::kInvalidArgument, "not a regular file");
    if ((info.st_mode & S_IWOTH) != 0) {
      return About(path, Code::kPermissionDenied,
                   "anybody may write to it; run: chmod o-w " + path);
    }
    if (info.st_size <= 0 || static_cast<uint64_t>(info.st_size) > kLibraryBytesMax) {
      return About(path, Code::kInvalidArgument, "is empty or larger than 1 GiB");
    }
    size_ = static_cast<size_t>(info.st_size);
    version_ = fmt::format("{}:{}:{}:{}.{}", info.st_dev, info.st_ino, info.st_size,
                           info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (data == MAP_FAILED) return About(path, Code::kIoError, std::strerror(errno));
    data_ = data;
    return {};
  }
  BytesView bytes() const { return {static_cast<const uint8_t*>(data_), size_}; }
  const std::string& version() const { return version_; }

 private:
  int fd_ = -1;
  void* data_ = nullptr;
  size_t size_ = 0;
  std::string version_;
};

Status CheckDirectory(const std::string& path) {
  const std::string parent = fs::absolute(path).parent_path().string();
  struct stat info;
  if (::stat(parent.c_str(), &info) != 0)
    return About(parent, Code::kIoError, std::strerror(errno));
  const bool open_to_all = (info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0;
  if (!open_to_all) return {};
  return About(
      path, Code::kPermissionDenied,
      "anybody may replace it, since its directory is world-writable; run: chmod o-w " + parent);
}

// The sections end with a NUL, which is not part of their text.
std::string_view SectionText(BytesView section) {
  const std::string_view text = AsText(section);
  return text.substr(0, text.find('\0'));
}

Result<LibraryFile> ReadSections(const std::string& path, BytesView bytes) {
  if (Status s = base::CheckElf(bytes); !s.ok()) return About(path, s.code(), s.message());
  const auto fingerprint = base::FindSection(bytes, ".nexadb.abi");
  const auto manifest = base::FindSection(bytes, ".nexadb.plugin");
  for (const auto* section : {&fingerprint, &manifest}) {
    if (section->ok()) continue;
    const bool absent = section->status().code() == Code::kNotFound;
    return About(path, Code::kInvalidArgument,
                 absent ? "a shared library, but not a NexaDB plugin (" +
                              std::string(section->status().message()) + ")"
                        : std::string(section->status().message()));
  }
  LibraryFile file;
  file.path = path;
  file.fingerprint = SectionText(*fingerprint);
  // Before the manifest: a plugin for another kernel may have a manifest of another form.
  if (Status s = CompareFingerprint(file.fingerprint); !s.ok()) {
    return About(path, s.code(), s.message());
  }
  auto parsed = ParseManifest(SectionText(*manifest));
  if (!parsed.ok()) return About(path, parsed.status().code(), parsed.status().message());
  file.manifest = std::move(*parsed);
  return file;
}

Status CheckInterfaces(const LibraryFile& file) {
  std::vector<const InterfaceName*> interfaces;
  for (const InterfaceName& provided : file.manifest.provides) interfaces.push_back(&provided);
  for (const Requirement& r : file.manifest.requirements) interfaces.push_back(&r.interface);
  for (const InterfaceName* interface : interfaces) {
    if (Status s = CheckContract(*interface); !s.ok()) {
      return About(file.path, s.code(),
                   std::string(s.message()) + " (plugin " + file.manifest.id + " " +
                       file.manifest.version + ", built with " +
                       std::string(Toolchain(file.fingerprint)) + ")");
    }
  }
  return {};
}

}  // namespace

Result<std::string> FindLibrary(const std::string& name,
                                const std::vector<std::string>& plugin_path) {
  std::error_code error;
  if (name.find('/') != std::string::npos) {
    if (fs::exists(fs::symlink_status(name, error))) return name;
    return Status::Error(Code::kNotFound, "no file " + name);
  }
  std::string places;
  std::vector<std::string> found;
  for (const std::string& directory : plugin_path) {
    const std::string path = (fs::path(directory) / (name + ".so")).lexically_normal().string();
    if (fs::exists(fs::symlink_status(path, error))) return path;
    places += (places.empty() ? "" : ", ") + fs::path(directory).lexically_normal().string();
    for (auto it = fs::directory_iterator(directory, error);
         !error && it != fs::directory_iterator(); it.increment(error)) {
      if (it->path().extension() == ".so") found.push_back(it->path().stem().string());
    }
  }
  return Status::Error(Code::kNotFound, "no " + name + ".so on plugin_path (" + places + ")" +
                                            base::Suggest(name, {found.begin(), found.end()}));
}

Result<LibraryFile> InspectLibrary(const std::string& path) {
  MappedFile mapped;
  if (Status s = mapped.Open(path); !s.ok()) return s;
  if (Status s = CheckDirectory(path); !s.ok()) return s;
  auto file = ReadSections(path, mapped.bytes());
  if (!file.ok()) return file;
  if (Status s = CheckInterfaces(*file); !s.ok()) return s;
  file->version = mapped.version();
  return file;
}

namespace {

// The dynamic loader knows libraries by their path, so each version that is met at one path gets a
// spelling of its own: /lib/x.so, /lib/./x.so, /lib/././x.so.
fs::path PathOfVersion(const LibraryFile& file) {
  static auto* versions = new std::map<std::string, std::vector<std::string>>();
  const fs::path path = fs::absolute(file.path);
  std::vector<std::string>& known = (*versions)[path.string()];
  const auto found = std::find(known.begin(), known.end(), file.version);
  std::string spelling = path.parent_path().string();
  for (auto it = known.begin(); it != found; ++it) spelling += "/.";
  if (found == known.end()) known.push_back(file.version);
  return spelling + "/" + path.filename().string();
}

}  // namespace

Result<const PluginDescriptor*> LoadLibrary(const LibraryFile& file) {
  using Entry = const PluginDescriptor*();
  namespace dll = boost::dll;
  const PluginDescriptor* descriptor = nullptr;
  try {
    // Never destroyed, so that nothing is unmapped. A library loaded again has the same mapping.
    static auto* libraries = new std::vector<dll::shared_library>();
    libraries->emplace_back(PathOfVersion(file),
                            dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    descriptor = libraries->back().get<Entry>("nexadb_plugin_entry")();
  } catch (const std::exception& error) {
    return About(file.path, Code::kIoError, error.what());
  }
  if (descriptor == nullptr || descriptor->struct_size < sizeof(PluginDescriptor) ||
      descriptor->create == nullptr || descriptor->id == nullptr ||
      descriptor->fingerprint == nullptr) {
    return About(file.path, Code::kInvalidArgument, "its entry point returned no descriptor");
  }
  if (file.manifest.id != descriptor->id || file.fingerprint != descriptor->fingerprint) {
    return About(file.path, Code::kInvalidArgument,
                 "its code is \"" + std::string(descriptor->id) + "\" (" + descriptor->fingerprint +
                     "), its manifest says \"" + file.manifest.id + "\" (" + file.fingerprint +
                     "); rebuild it");
  }
  return descriptor;
}

}  // namespace nexadb::loader
