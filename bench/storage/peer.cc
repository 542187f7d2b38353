#include "bench/storage/peer.h"

#include <cstdio>
#include <cstdlib>

namespace nexadb::bench {
namespace {

struct Known {
  std::string_view name;
  std::unique_ptr<Peer> (*open)(const PeerOptions&);
};

// Not beside peers: it would be one.
constexpr Known kEncrypted{"nexadb-encrypted", OpenNexadbEncrypted};
constexpr Known kKnown[] = {
    {"nexadb", OpenNexadb},
#ifdef NEXADB_HAVE_ROCKSDB
    {"rocksdb", OpenRocksdb},
#endif
#ifdef NEXADB_HAVE_LEVELDB
    {"leveldb", OpenLeveldb},
#endif
#ifdef NEXADB_HAVE_LMDB
    {"lmdb", OpenLmdb},
#endif
#ifdef NEXADB_HAVE_WIREDTIGER
    {"wiredtiger", OpenWiredtiger},
#endif
};

}  // namespace

uint64_t Session::GetMany(const std::vector<std::string>& keys, uint64_t& bytes) {
  uint64_t found = 0;
  std::string value;
  for (const std::string& key : keys) {
    if (!Get(key, value)) continue;
    ++found;
    bytes += value.size();
  }
  return found;
}

bool Session::Ingest(uint64_t, const RowMaker&) { return false; }

std::string_view NameOf(DurabilityClass durability) {
  switch (durability) {
    case DurabilityClass::kProcess: return "process";
    case DurabilityClass::kOs: return "os";
    case DurabilityClass::kDisk: return "disk";
  }
  return "";
}

std::unique_ptr<Peer> OpenPeer(std::string_view name, const PeerOptions& options) {
  for (const Known& known : kKnown) {
    if (known.name == name) return known.open(options);
  }
  return kEncrypted.name == name ? kEncrypted.open(options) : nullptr;
}

std::vector<std::string_view> PeerNames() {
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) names.push_back(known.name);
  return names;
}

void Fail(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(why.size()), why.data());
  std::exit(2);
}

}  // namespace nexadb::bench
