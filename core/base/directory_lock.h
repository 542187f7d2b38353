// DirectoryLock: keeps two processes out of one directory, by a file LOCK in it that says who is
// in. The system drops the lock when the process dies, so a stale file never stands in the way.
#pragma once
#include <string>

#include "nexadb/env.h"

namespace nexadb::base {

// Makes the directory when it is missing. kConflict, naming the holder's pid, while another process
// holds it. The lock lasts as long as the handle.
Result<Handle<FileLock>> LockDirectory(FileSystem& files, const std::string& directory);

}  // namespace nexadb::base
