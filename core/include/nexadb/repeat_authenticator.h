// nexadb.auth.repeat: a facet of an authenticator that counts requests.
//
// A request that is tried where nothing may wait and then moved to where it may is authenticated
// twice: what it borrows ends with the first try, and its key may have been revoked between. It is
// one request all the same. A frontend asks Authenticate the first time and this one afterwards;
// an authenticator without the facet counts nothing, and is asked as before.
#pragma once
#include "nexadb/authenticator.h"

namespace nexadb {

class RepeatAuthenticator {
 public:
  static constexpr InterfaceId kInterface{"nexadb.auth.repeat", 0, 1};
  // [any][nonblocking] Like Authenticator::Authenticate, for credentials that it has accepted for
  // the same request already.
  virtual Result<Handle<Principal>> AuthenticateAgain(const Credentials& credentials) noexcept = 0;

 protected:
  ~RepeatAuthenticator() = default;
};

}  // namespace nexadb
