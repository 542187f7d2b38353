// KeyHandover: how a running authenticator hands the keys to the one that takes its place, while
// both serve. A facet of this plugin, asked for by a later version of it: frozen once released.
//
//   Yield    the store is up to date and its lock free; from here on the heir makes every change,
//            also those that the predecessor is asked for, and shows each to the predecessor
//   Show     so principals that the predecessor has given out, perhaps held for hours by a
//            transaction or a stream of changes, lose at once what the heir takes away
//   Resume   the heir was given up before it served: the keys are the predecessor's again
//   TakeOver the last of all, when the predecessor is drained: what it has counted goes on
//
// Once drained the predecessor answers nothing by itself: who still calls it is answered by the
// heir. It stays in memory until none of its principals is held.
#pragma once
#include "nexadb/authenticator.h"

namespace nexadb::auth {

// The predecessor as its heir sees it; lives beyond the predecessor's plugin.
class KeyFollower {
 public:
  // [any] All keys as they are now, in the form of the store (FORMAT.md), and whether dev mode is
  // on. What cannot be read revokes every principal of the predecessor.
  virtual void Show(BytesView store, uint32_t dev_loopback) noexcept = 0;
  // [any] Nonzero while somebody holds a principal of the predecessor.
  virtual uint32_t InUse() noexcept = 0;
  // [control] Gives the keys back, after the heir has let go of the store. Without effect once the
  // predecessor has been drained.
  virtual Status Resume() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~KeyFollower() = default;
};

// The heir's part in the moment of the handover.
struct KeyOpening {
  // Locks and loads the store. After a failure it holds nothing of it.
  Status (*open)(void* state) noexcept = nullptr;
  void* state = nullptr;
};

class KeyHandover {
 public:
  static constexpr InterfaceId kInterface{"nexadb.auth-apikey.keys", 0, 1};
  // [control] Runs `opening` once, while no key can be changed. `heir` offers KeyAdmin and lives
  // longer than every caller of the predecessor. After a failure the keys are the predecessor's.
  virtual Result<Handle<KeyFollower>> Yield(Authenticator& heir,
                                            const KeyOpening& opening) noexcept = 0;

 protected:
  ~KeyHandover() = default;
};

// What the heir goes on counting; a facet of its Authenticator. Without it counts begin anew.
class CountHeir {
 public:
  static constexpr InterfaceId kInterface{"nexadb.auth-apikey.counts", 0, 1};
  // [control] BSON: bad_keys: [{peer, began_ms, failures}] by address, and owed: [{id, ns}], what
  // keys have used of their rates (RequestRate::OwedNs). Is added to what the heir has counted
  // since it serves. What it cannot read it leaves out.
  virtual void TakeOver(BytesView counts) noexcept = 0;

 protected:
  ~CountHeir() = default;
};

}  // namespace nexadb::auth
