// ListenerHandover: how a server passes its listening sockets to the one that takes its place.
//
// A facet of this plugin, asked for by a later version of it: frozen once released. The successor
// duplicates the sockets, so connections that wait in their queues are lost by neither; it accepts
// from them only once the predecessor has stopped to.
#pragma once
#include "nexadb/abi.h"

namespace nexadb::http {

class ListenerHandover {
 public:
  static constexpr InterfaceId kInterface{"nexadb.http-server.listeners", 0, 1};
  // [control] A duplicate of the socket that listens on `address`, as it was configured; the
  // caller's to close. -1 when there is none.
  virtual int Duplicate(StringView address) noexcept = 0;
  // [control] `accepting_ended` is called once, by Drain. An empty callback takes the last one
  // back.
  virtual void OnDrain(const Callback& accepting_ended) noexcept = 0;

 protected:
  ~ListenerHandover() = default;
};

}  // namespace nexadb::http
