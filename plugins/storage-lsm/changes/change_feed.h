// ChangeFeed: the batches of the logs, for followers. Keeps logs whose contents are in tables up to
// a bound of bytes, newest first; those that memtables still need are there anyway.
//
// Sequences have no holes but where rows were ingested past the log, so a follower that asks for
// what comes after n either gets n + 1 next or is told that it is gone. [any]
#pragma once
#include <deque>
#include <string>
#include <vector>

#include "nexadb/env.h"
#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/format/key.h"
#include "plugins/storage-lsm/log/log_format.h"

namespace nexadb::lsm {

class ChangeFeed {
 public:
  // `vault` outlives the feed.
  ChangeFeed(Env& env, std::string directory, uint64_t bytes_max, const Vault* vault)
      : files_(env.Files()),
        vault_(vault),
        directory_(std::move(directory)),
        bytes_max_(bytes_max),
        mutex_(env.NewMutex()) {}

  // The log's contents are in tables. Returns the logs that nobody needs any more, oldest first:
  // this one or others. REQUIRES: numbers grow.
  std::vector<uint64_t> Retire(uint64_t number);
  // Of logs found when the store is opened, ascending.
  std::vector<uint64_t> Adopt(const std::vector<uint64_t>& numbers);

  // Hands on what comes after `after`, up to `visible`. `live`: the logs that memtables need,
  // ascending; all batches up to `visible` have been written to them. Sets *reached to the last
  // sequence handed on; less than `visible` when logs moved on meanwhile: call again.
  Status Read(Sequence after, Sequence visible, const std::vector<uint64_t>& live,
              const ChangeSink& sink, Sequence* reached);
  uint64_t bytes() const;

 private:
  struct Kept {
    uint64_t number;
    uint64_t bytes;
  };
  std::vector<uint64_t> Shrink();
  // False unless the log begins with an intact header of its own.
  bool ReadHeader(uint64_t number, LogHeader* header);
  bool Keeps(uint64_t number);  // under mutex_
  // `end`: where the next log says that this one ended; 0 when nobody says.
  Status ReadLog(uint64_t number, uint64_t end, Sequence visible, const ChangeSink& sink,
                 Sequence* reached);

  FileSystem& files_;
  const Vault* const vault_;
  const std::string directory_;
  const uint64_t bytes_max_;
  // Around kept_, and around the reading of a log: one that is read is not retired meanwhile.
  const Handle<Mutex> mutex_;
  std::deque<Kept> kept_;  // oldest first
  uint64_t bytes_ = 0;
};

}  // namespace nexadb::lsm
