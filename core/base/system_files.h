// The FileSystem of SystemEnv(). Internal to core/base; take it from SystemEnv().Files().
#pragma once
#include "nexadb/env.h"

namespace nexadb::base {

FileSystem& SystemFiles() noexcept;

}  // namespace nexadb::base
