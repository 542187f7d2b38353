// Peer: one storage engine under measurement, ours or another project's, behind the few calls that
// the workloads need. An adapter is one file, engine_<name>.cc, and opens its engine as its own
// documentation advises for this work; tuning.h holds what all of them share.
//
// An adapter ends the program with a message on any failure: a figure from an engine that failed
// is worth nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/storage/tuning.h"

namespace nexadb::bench {

// What an acknowledged write survives: nothing but the process's own end, a killed process, a
// power cut. Engines are compared within one class.
enum class DurabilityClass { kProcess, kOs, kDisk };
std::string_view NameOf(DurabilityClass durability);

enum class ScanOrder { kForward, kReverse };

// A key, and a view of its value.
using Pair = std::pair<std::string, std::string_view>;

// The row of a number in key order: its key into `key`, and a view of its value.
using RowMaker = std::function<std::string_view(uint64_t row, std::string& key)>;

// One thread's way into a peer.
class Session {
 public:
  virtual ~Session() = default;
  virtual void Put(std::string_view key, std::string_view value) = 0;
  virtual void Delete(std::string_view key) = 0;
  // The newest value into `value`; false when there is none.
  virtual bool Get(std::string_view key, std::string& value) = 0;
  // Each key's newest value, at one moment where the engine has such a call; returns how many there
  // are, and adds up their sizes in `bytes`.
  virtual uint64_t GetMany(const std::vector<std::string>& keys, uint64_t& bytes);
  // One atomic commit.
  virtual void PutBatch(const std::vector<Pair>& pairs) = 0;
  // Reads up to `count` rows from the first at or after `from` (kReverse: from the last of all
  // down), key and value of each; returns how many there were.
  virtual uint64_t Scan(std::string_view from, uint64_t count, ScanOrder order) = 0;
  // Deletes [begin, end); false when the engine has no such call.
  virtual bool DeleteRange(std::string_view begin, std::string_view end) = 0;
  // Takes rows [0, count), sorted, past the log and durably, as one commit; false when the engine
  // has no such call.
  virtual bool Ingest(uint64_t count, const RowMaker& row);
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::unique_ptr<Session> NewSession() = 0;
  // Writes out what is buffered and waits until background work has ended by itself; never a full
  // compaction by hand. Returns the seconds of the wait in which nothing went on any more.
  virtual double Settle() = 0;
};

struct PeerOptions {
  std::string directory;
  DurabilityClass durability = DurabilityClass::kOs;
  size_t memory_bytes = kMemoryBytes;
};

// The adapters; a build has those whose libraries it found.
std::unique_ptr<Peer> OpenNexadb(const PeerOptions& options);
std::unique_ptr<Peer> OpenNexadbEncrypted(const PeerOptions& options);
std::unique_ptr<Peer> OpenRocksdb(const PeerOptions& options);
std::unique_ptr<Peer> OpenLeveldb(const PeerOptions& options);
std::unique_ptr<Peer> OpenLmdb(const PeerOptions& options);
std::unique_ptr<Peer> OpenWiredtiger(const PeerOptions& options);

// Null for a name that this build does not know.
std::unique_ptr<Peer> OpenPeer(std::string_view name, const PeerOptions& options);
// The names that OpenPeer knows, but for nexadb-encrypted: this engine with encryption is no peer.
std::vector<std::string_view> PeerNames();

[[noreturn]] void Fail(std::string_view what, std::string_view why);

// So that no compiler leaves out the reading of a row.
inline void Touch(uint64_t& sum, std::string_view key, std::string_view value) {
  sum += key.size() + (value.empty() ? 0 : static_cast<unsigned char>(value.front()));
}

}  // namespace nexadb::bench
