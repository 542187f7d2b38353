// Who the database itself is when it works on its own account: index builds that a crash cut
// short, the removal of what has expired. May do everything; never handed to a caller.
#pragma once
#include "nexadb/authenticator.h"

namespace nexadb::database {

class SystemPrincipal final : public Principal {
 public:
  StringView Id() noexcept override { return "system"; }
  StringView Name() noexcept override { return "system"; }
  bool Allows(Action, const Resource&) noexcept override { return true; }
  bool Valid() noexcept override { return true; }
  void Release() noexcept override {}
};

}  // namespace nexadb::database
