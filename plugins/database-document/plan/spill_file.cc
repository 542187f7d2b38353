#include "plugins/database-document/plan/spill_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace nexadb::database {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
// Small appends are gathered, and small reads served from what was read ahead: a system call costs
// more than a copy.
constexpr size_t kBufferBytes = 64 << 10;

std::string Directory(const Environment& environment) {
  return environment.data_directory + "/spill";
}

class EnvSpillFile final : public query::SpillFile {
 public:
  EnvSpillFile(FileSystem& files, std::string path, Handle<File> file)
      : files_(files), path_(std::move(path)), file_(std::move(file)) {}
  ~EnvSpillFile() override {
    file_.Reset();
    // Nothing depends on it: the next start removes what is left.
    Status ignored = files_.Remove(path_);
    static_cast<void>(ignored);
  }
  Status Append(BytesView bytes) override {
    buffer_.append(AsText(bytes));
    return buffer_.size() < kBufferBytes ? Status() : Flush();
  }
  Status Rewind() override {
    Status status = Flush();
    read_at_ = 0;
    ahead_ = {};
    return status;
  }
  Result<size_t> Read(std::span<uint8_t> out) override {
    if (ahead_.empty()) {
      buffer_.resize(kBufferBytes);
      auto* bytes = reinterpret_cast<uint8_t*>(buffer_.data());
      auto count = file_->ReadAt(read_at_, Span<uint8_t>(bytes, buffer_.size()));
      if (!count.ok()) return count.status();
      read_at_ += *count;
      ahead_ = std::string_view(buffer_).substr(0, *count);
    }
    const size_t given = std::min(out.size(), ahead_.size());
    std::memcpy(out.data(), ahead_.data(), given);
    ahead_.remove_prefix(given);
    return given;
  }

 private:
  Status Flush() {
    if (buffer_.empty()) return {};
    Status status = file_->WriteAt(written_, AsBytes(buffer_));
    written_ += buffer_.size();
    buffer_.clear();
    return status;
  }
  FileSystem& files_;
  std::string path_;
  Handle<File> file_;
  std::string buffer_;      // appended and not yet written; after Rewind, read ahead
  std::string_view ahead_;  // of buffer_: what is not yet given
  uint64_t written_ = 0;
  uint64_t read_at_ = 0;
};

}  // namespace

Result<std::unique_ptr<query::SpillFile>> NewSpillFile(Environment& environment) {
  FileSystem& files = environment.system->Files();
  const std::string directory = Directory(environment);
  if (Status status = files.CreateDirectories(directory); !status.ok()) return status;
  std::array<uint8_t, 12> random{};
  environment.system->Random().Fill(random);
  std::string path = directory + "/";
  for (const uint8_t byte : random) {
    path.push_back(kHexDigits[byte >> 4]);
    path.push_back(kHexDigits[byte & 15]);
  }
  auto file = files.Open(path, FileMode::kCreateNew);
  if (!file.ok()) return file.status();
  return std::unique_ptr<query::SpillFile>(
      std::make_unique<EnvSpillFile>(files, path, std::move(*file)));
}

Status RemoveOldSpillFiles(Environment& environment) {
  FileSystem& files = environment.system->Files();
  const std::string directory = Directory(environment);
  if (!files.Exists(directory)) return {};
  std::vector<std::string> names;
  DirectorySink sink;
  sink.state = &names;
  sink.entry = [](void* state, StringView name) noexcept {
    static_cast<std::vector<std::string>*>(state)->emplace_back(name);
  };
  if (Status status = files.List(directory, sink); !status.ok()) return status;
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    if (Status status = files.Remove(directory + "/" + name); !status.ok()) return status;
  }
  return {};
}

}  // namespace nexadb::database
