// Planted faults. In every build but that of tests/crash/lsm_mutants they are constants that
// vanish; there one of them is switched on at a time, to see whether the crash histories catch it.
#pragma once

#ifdef NEXADB_LSM_MUTANTS
namespace nexadb::lsm {

enum class Mutant {
  kNone,
  kBelieveTornRecords,
  kDropDeletesEarly,
  kLoseRangeDeletes,
  kWrongSequenceInRecovery,
  kLoseTheLastEntry,
  kReplayTheLastLogOnly,
  kForgetWaitingLogs,
  kKeepDeletedRows,
};
extern Mutant planted_mutant;

}  // namespace nexadb::lsm
#define LSM_MUTANT(name) (::nexadb::lsm::planted_mutant == ::nexadb::lsm::Mutant::name)
#else
#define LSM_MUTANT(name) false
#endif
