#include "core/base/sim_disk.h"

#include <algorithm>

#include "core/base/sim_inode.h"

namespace nexadb::base {

// One name set to an inode, or taken away (null).
struct SimDisk::NameChange {
  InodeRef directory;
  std::string name;
  InodeRef target;
};

// What a journal keeps or loses as a whole: one change, or the two of a rename.
struct SimDisk::NameOp {
  std::vector<NameChange> changes;

  bool Touches(const std::set<const Inode*>& directories) const {
    return std::any_of(changes.begin(), changes.end(), [&](const NameChange& change) {
      return directories.contains(change.directory.get());
    });
  }
  void Apply() const {
    for (const NameChange& change : changes) {
      auto& entries = change.directory->durable_entries;
      if (change.target != nullptr) {
        entries[change.name] = change.target;
      } else {
        entries.erase(change.name);
      }
    }
  }
};

// Where a name stands: its directory (null when that is missing) and what it names (or null).
struct SimDisk::Place {
  InodeRef directory;
  std::string name;
  InodeRef target;
};

namespace {

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    size_t end = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
  }
  return parts;
}

Status Failure(FileOp op, std::string_view path, Code code, const char* why) {
  std::string message(FileOpName(op));
  message.append(" ").append(path).append(": ").append(why);
  return Status::Error(code, message);
}
Status Missing(FileOp op, std::string_view path) {
  return Failure(op, path, Code::kNotFound, "No such file or directory");
}
Status Full(FileOp op, std::string_view path) {
  return Failure(op, path, Code::kResourceExhausted, "No space left on device");
}

}  // namespace

const char* FileOpName(FileOp op) noexcept {
  switch (op) {
    case FileOp::kAny: return "any";
    case FileOp::kOpen: return "open";
    case FileOp::kRead: return "read";
    case FileOp::kWrite: return "write";
    case FileOp::kSync: return "fdatasync";
    case FileOp::kAllocate: return "allocate";
    case FileOp::kTruncate: return "truncate";
    case FileOp::kRemove: return "remove";
    case FileOp::kRename: return "rename";
    case FileOp::kLink: return "link";
    case FileOp::kCreateDirectories: return "create directory";
    case FileOp::kRemoveDirectory: return "remove directory";
    case FileOp::kSyncDirectory: return "fsync directory";
    case FileOp::kList: return "list";
    case FileOp::kLock: return "lock";
  }
  return "?";
}

SimDisk::SimDisk(uint64_t seed) : root_(std::make_shared<Inode>()), prng_(seed) {
  root_->directory = true;
}

SimDisk::~SimDisk() = default;

// Every call passes here first: power, the operation count, injected faults.
SimDisk::Verdict SimDisk::Enter(FileOp op, std::string_view path, Effect effect) {
  constexpr const char* kNoPower = "simulated power cut";
  if (cut_) return {Failure(op, path, Code::kIoError, kNoPower)};
  if (effect == Effect::kChanges && operations_++ == cut_at_) {
    cut_ = true;
    return {Failure(op, path, Code::kIoError, kNoPower), true};
  }
  for (size_t i = 0; i < faults_.size(); ++i) {
    Fault& fault = faults_[i];
    if (fault.op != FileOp::kAny && fault.op != op) continue;
    if (path.find(fault.path_contains) == std::string_view::npos) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    ++faults_struck_;
    Status status = fault.code == Code::kResourceExhausted
                        ? Full(op, path)
                        : Failure(op, path, fault.code, "injected fault");
    if (fault.times == FaultTimes::kOnce) faults_.erase(faults_.begin() + static_cast<long>(i));
    return {status};
  }
  return {{}, true};
}

Status SimDisk::CheckOpen(const OpenFile& file, FileOp op, Effect effect) const {
  if (file.boot != boot_) {
    return Failure(op, file.path, Code::kIoError, "opened before the power cut");
  }
  if (effect == Effect::kChanges && file.mode == FileMode::kRead) {
    return Failure(op, file.path, Code::kIoError, "Bad file descriptor: opened for reading");
  }
  return {};
}

SimDisk::InodeRef SimDisk::Find(std::string_view path) const {
  InodeRef at = root_;
  for (const std::string& part : Split(path)) {
    if (at == nullptr || !at->directory) return nullptr;
    auto found = at->entries.find(part);
    at = found == at->entries.end() ? nullptr : found->second;
  }
  return at;
}

SimDisk::Place SimDisk::FindPlace(std::string_view path) const {
  std::vector<std::string> parts = Split(path);
  if (parts.empty()) return {};
  Place place;
  place.name = parts.back();
  place.directory = root_;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    auto found = place.directory->entries.find(parts[i]);
    if (found == place.directory->entries.end() || !found->second->directory) return {};
    place.directory = found->second;
  }
  auto found = place.directory->entries.find(place.name);
  if (found != place.directory->entries.end()) place.target = found->second;
  return place;
}

// Does a change of names in the cache, and lets it wait for SyncDirectory.
void SimDisk::Rewire(const NameOp& op) {
  for (const NameChange& change : op.changes) {
    if (change.target != nullptr) {
      change.directory->entries[change.name] = change.target;
    } else {
      change.directory->entries.erase(change.name);
    }
  }
  pending_names_.push_back(op);
}

// Makes what waits for `directory` durable, and whatever earlier operation it builds on.
void SimDisk::CommitNames(const InodeRef& directory) {
  std::set<const Inode*> touched{directory.get()};
  std::vector<bool> commit(pending_names_.size());
  for (size_t i = pending_names_.size(); i-- > 0;) {
    if (!pending_names_[i].Touches(touched)) continue;
    commit[i] = true;
    for (const NameChange& change : pending_names_[i].changes) {
      touched.insert(change.directory.get());
    }
  }
  std::vector<NameOp> waiting;
  for (size_t i = 0; i < pending_names_.size(); ++i) {
    if (commit[i]) {
      pending_names_[i].Apply();
    } else {
      waiting.push_back(std::move(pending_names_[i]));
    }
  }
  pending_names_ = std::move(waiting);
}

Result<SimDisk::OpenFile> SimDisk::Open(std::string_view path, FileMode mode) {
  Place place = FindPlace(path);
  bool exists = place.target != nullptr;
  bool may_create = mode != FileMode::kRead && mode != FileMode::kReadWrite;
  bool creates = !exists && may_create && place.directory != nullptr;
  bool changes = creates || (exists && mode == FileMode::kTruncate);
  Verdict verdict = Enter(FileOp::kOpen, path, changes ? Effect::kChanges : Effect::kReads);
  if (!verdict.apply) return verdict.status;
  if (!exists && !creates) return Missing(FileOp::kOpen, path);
  if (exists && mode == FileMode::kCreateNew) {
    return Failure(FileOp::kOpen, path, Code::kConflict, "File exists");
  }
  if (exists && place.target->directory) {
    return Failure(FileOp::kOpen, path, Code::kIoError, "Is a directory");
  }
  if (creates) {
    place.target = std::make_shared<Inode>();
    Rewire({{{place.directory, place.name, place.target}}});
  } else if (mode == FileMode::kTruncate) {
    place.target->Resize(0);
  }
  if (!verdict.status.ok()) return verdict.status;
  return OpenFile{place.target, std::string(path), boot_, mode};
}

Result<uint64_t> SimDisk::ReadAt(const OpenFile& file, uint64_t offset, Span<uint8_t> out) {
  Verdict verdict = Enter(FileOp::kRead, file.path, Effect::kReads);
  if (!verdict.status.ok()) return verdict.status;
  Status status = CheckOpen(file, FileOp::kRead, Effect::kReads);
  if (!status.ok()) return status;
  const std::vector<uint8_t>& bytes = file.inode->live;
  if (offset >= bytes.size()) return uint64_t{0};
  uint64_t count = std::min<uint64_t>(out.size(), bytes.size() - offset);
  std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), count, out.begin());
  return count;
}

Status SimDisk::WriteAt(const OpenFile& file, uint64_t offset, BytesView data) {
  Verdict verdict = Enter(FileOp::kWrite, file.path, Effect::kChanges);
  Status status = CheckOpen(file, FileOp::kWrite, Effect::kChanges);
  if (!status.ok()) return status;
  if (!verdict.apply) {
    // A part of a failing write stays behind.
    if (!cut_) file.inode->Write(offset, data.Sub(0, prng_.Below(data.size() + 1)));
    return verdict.status;
  }
  uint64_t end = offset + data.size();
  uint64_t size = file.inode->live.size();
  if (end > size && capacity_bytes_ != UINT64_MAX) {
    uint64_t used = LiveBytes();
    uint64_t room = capacity_bytes_ > used ? capacity_bytes_ - used : 0;
    if (end - size > room) {
      uint64_t fits = size + room > offset ? size + room - offset : 0;
      file.inode->Write(offset, data.Sub(0, std::min<uint64_t>(fits, data.size())));
      return Full(FileOp::kWrite, file.path);
    }
  }
  file.inode->Write(offset, data);
  return verdict.status;
}

Status SimDisk::Sync(const OpenFile& file) {
  Verdict verdict = Enter(FileOp::kSync, file.path, Effect::kChanges);
  Status status = CheckOpen(file, FileOp::kSync, Effect::kReads);
  if (!status.ok()) return status;
  if (verdict.status.ok()) {
    file.inode->Sync();
  } else if (!cut_) {
    file.inode->FailSync(prng_);
  }
  return verdict.status;
}

Status SimDisk::Allocate(const OpenFile& file, uint64_t size) {
  Verdict verdict = Enter(FileOp::kAllocate, file.path, Effect::kChanges);
  Status status = CheckOpen(file, FileOp::kAllocate, Effect::kChanges);
  if (!status.ok()) return status;
  if (!verdict.apply) return verdict.status;
  uint64_t old = file.inode->live.size();
  if (size <= old) return verdict.status;
  if (capacity_bytes_ != UINT64_MAX && LiveBytes() + (size - old) > capacity_bytes_) {
    return Full(FileOp::kAllocate, file.path);
  }
  std::vector<uint8_t> zeros(size - old);
  file.inode->Write(old, zeros);
  return verdict.status;
}

Status SimDisk::Truncate(const OpenFile& file, uint64_t size) {
  Verdict verdict = Enter(FileOp::kTruncate, file.path, Effect::kChanges);
  Status status = CheckOpen(file, FileOp::kTruncate, Effect::kChanges);
  if (!status.ok()) return status;
  if (verdict.apply) file.inode->Resize(size);
  return verdict.status;
}

Result<uint64_t> SimDisk::Size(const OpenFile& file) {
  Verdict verdict = Enter(FileOp::kAny, file.path, Effect::kReads);
  if (!verdict.status.ok()) return verdict.status;
  Status status = CheckOpen(file, FileOp::kAny, Effect::kReads);
  if (!status.ok()) return status;
  return static_cast<uint64_t>(file.inode->live.size());
}

Status SimDisk::Remove(std::string_view path) {
  Verdict verdict = Enter(FileOp::kRemove, path, Effect::kChanges);
  if (!verdict.apply) return verdict.status;
  Place place = FindPlace(path);
  if (place.target == nullptr) return Missing(FileOp::kRemove, path);
  if (place.target->directory) {
    return Failure(FileOp::kRemove, path, Code::kIoError, "Is a directory");
  }
  Rewire({{{place.directory, place.name, nullptr}}});
  return verdict.status;
}

Status SimDisk::Rename(std::string_view from, std::string_view to) {
  Verdict verdict =
      Enter(FileOp::kRename, std::string(from) + " to " + std::string(to), Effect::kChanges);
  if (!verdict.apply) return verdict.status;
  Place source = FindPlace(from);
  Place target = FindPlace(to);
  if (source.target == nullptr) return Missing(FileOp::kRename, from);
  if (target.directory == nullptr) return Missing(FileOp::kRename, to);
  if (source.target == target.target) return verdict.status;
  if (target.target != nullptr && target.target->directory) {
    return Failure(FileOp::kRename, to, Code::kIoError, "Is a directory");
  }
  Rewire(
      {{{source.directory, source.name, nullptr}, {target.directory, target.name, source.target}}});
  return verdict.status;
}

Status SimDisk::Link(std::string_view from, std::string_view to) {
  Verdict verdict =
      Enter(FileOp::kLink, std::string(from) + " to " + std::string(to), Effect::kChanges);
  if (!verdict.apply) return verdict.status;
  InodeRef source = Find(from);
  Place target = FindPlace(to);
  if (source == nullptr) return Missing(FileOp::kLink, from);
  if (target.directory == nullptr) return Missing(FileOp::kLink, to);
  if (target.target != nullptr) {
    return Failure(FileOp::kLink, to, Code::kConflict, "File exists");
  }
  Rewire({{{target.directory, target.name, source}}});
  return verdict.status;
}

Status SimDisk::CreateDirectories(std::string_view path) {
  Verdict verdict = Enter(FileOp::kCreateDirectories, path, Effect::kChanges);
  if (!verdict.apply) return verdict.status;
  InodeRef at = root_;
  for (const std::string& part : Split(path)) {
    InodeRef& child = at->entries[part];
    if (child == nullptr) {
      child = std::make_shared<Inode>();
      child->directory = true;
      pending_names_.push_back({{{at, part, child}}});
      if (verdict.status.ok()) CommitNames(at);
    } else if (!child->directory) {
      return Failure(FileOp::kCreateDirectories, path, Code::kConflict, "File exists");
    }
    at = child;
  }
  return verdict.status;
}

Status SimDisk::RemoveDirectory(std::string_view path) {
  Verdict verdict = Enter(FileOp::kRemoveDirectory, path, Effect::kChanges);
  if (!verdict.apply) return verdict.status;
  Place place = FindPlace(path);
  if (place.target == nullptr) return Missing(FileOp::kRemoveDirectory, path);
  if (!place.target->directory || !place.target->entries.empty()) {
    return Failure(FileOp::kRemoveDirectory, path, Code::kIoError,
                   place.target->directory ? "Directory not empty" : "Not a directory");
  }
  Rewire({{{place.directory, place.name, nullptr}}});
  return verdict.status;
}

Status SimDisk::SyncDirectory(std::string_view path) {
  Verdict verdict = Enter(FileOp::kSyncDirectory, path, Effect::kChanges);
  if (!verdict.status.ok()) return verdict.status;
  InodeRef directory = Find(path);
  if (directory == nullptr || !directory->directory) return Missing(FileOp::kSyncDirectory, path);
  CommitNames(directory);
  return {};
}

Status SimDisk::List(std::string_view path, std::vector<std::string>* names) {
  Verdict verdict = Enter(FileOp::kList, path, Effect::kReads);
  if (!verdict.status.ok()) return verdict.status;
  InodeRef directory = Find(path);
  if (directory == nullptr || !directory->directory) return Missing(FileOp::kList, path);
  for (const auto& [name, inode] : directory->entries) names->push_back(name);
  return {};
}

bool SimDisk::Exists(std::string_view path) { return !cut_ && Find(path) != nullptr; }

Result<uint64_t> SimDisk::FileSize(std::string_view path) {
  Verdict verdict = Enter(FileOp::kAny, path, Effect::kReads);
  if (!verdict.status.ok()) return verdict.status;
  InodeRef inode = Find(path);
  if (inode == nullptr) return Missing(FileOp::kOpen, path);
  return static_cast<uint64_t>(inode->live.size());
}

Result<uint64_t> SimDisk::FreeBytes() {
  constexpr uint64_t kUnlimitedFreeBytes = uint64_t{1} << 40;
  if (capacity_bytes_ == UINT64_MAX) return kUnlimitedFreeBytes;
  uint64_t used = LiveBytes();
  return used < capacity_bytes_ ? capacity_bytes_ - used : uint64_t{0};
}

Result<SimDisk::OpenFile> SimDisk::Lock(std::string_view path) {
  Verdict verdict = Enter(FileOp::kLock, path, Effect::kReads);
  if (!verdict.status.ok()) return verdict.status;
  auto file = Open(path, FileMode::kCreate);
  if (!file.ok()) return file.status();
  if (!locked_.insert(file->inode.get()).second) {
    return Failure(FileOp::kLock, path, Code::kConflict, "Resource temporarily unavailable");
  }
  return file;
}

void SimDisk::Unlock(const OpenFile& file) {
  if (file.boot == boot_) locked_.erase(file.inode.get());
}

uint64_t SimDisk::LiveBytes() const {
  uint64_t total = 0;
  std::set<const Inode*> seen;
  std::vector<const Inode*> todo{root_.get()};
  while (!todo.empty()) {
    const Inode* inode = todo.back();
    todo.pop_back();
    if (!seen.insert(inode).second) continue;
    total += inode->live.size();
    for (const auto& [name, child] : inode->entries) todo.push_back(child.get());
  }
  return total;
}

void SimDisk::CrashNames(Prng& prng, CrashStyle style) {
  size_t count = pending_names_.size();
  bool journal = prng.OneIn(2);
  size_t prefix = style == CrashStyle::kKeepAll   ? count
                  : style == CrashStyle::kLoseAll ? 0
                                                  : prng.Below(count + 1);
  for (size_t i = 0; i < count; ++i) {
    bool keep = i < prefix;
    if (style == CrashStyle::kRandom && !journal) keep = prng.OneIn(2);
    if (keep) pending_names_[i].Apply();
  }
  pending_names_.clear();
}

void SimDisk::CrashTree(const InodeRef& inode, Prng& prng, CrashStyle style,
                        std::set<Inode*>* seen) {
  if (!seen->insert(inode.get()).second) return;
  if (!inode->directory) return inode->Crash(prng, style);
  inode->entries = inode->durable_entries;
  for (const auto& [name, child] : inode->entries) CrashTree(child, prng, style, seen);
}

void SimDisk::Crash(uint64_t seed, CrashStyle style) {
  Prng prng(seed);
  CrashNames(prng, style);
  std::set<Inode*> seen;
  CrashTree(root_, prng, style, &seen);
  locked_.clear();
  faults_.clear();
  cut_at_ = UINT64_MAX;
  cut_ = false;
  ++boot_;
}

Status SimDisk::FlipBits(std::string_view path, uint64_t offset, uint8_t mask) {
  InodeRef inode = Find(path);
  if (inode == nullptr || inode->directory) return Missing(FileOp::kOpen, path);
  if (offset >= inode->live.size()) {
    return Failure(FileOp::kWrite, path, Code::kInvalidArgument, "offset past the end");
  }
  inode->live[offset] ^= mask;
  if (offset < inode->durable.size()) inode->durable[offset] ^= mask;
  for (Inode::Change& change : inode->pending) {
    if (!change.truncates && offset >= change.offset &&
        offset - change.offset < change.data.size()) {
      change.data[offset - change.offset] ^= mask;
    }
  }
  return {};
}

}  // namespace nexadb::base
