// Holds the query language to a session's time limit, cancellation and memory while it lives: made
// at the begin of every call of the database that evaluates anything. See value/meter.h.
#pragma once
#include "plugins/database-document/session/session.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::database {

class CallMeter {
 public:
  // REQUIRES: the session outlives it.
  explicit CallMeter(const SessionImpl& session) noexcept
      : meter_([](const void* s) { return static_cast<const SessionImpl*>(s)->CheckInterrupt(); },
               &session, session.memory_bytes()),
        scope_(&meter_) {}

 private:
  query::Meter meter_;
  query::MeterScope scope_;
};

}  // namespace nexadb::database
