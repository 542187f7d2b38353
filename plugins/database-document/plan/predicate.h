// Predicate: what a filter demands of the values at single paths, for choosing indexes. It says
// less than the filter, never more: a document that matches the filter satisfies the predicate. An
// index has an entry for each value that a path reaches in a document (index/index_keys.h), and
// null where it reaches none; so a document that satisfies a demand has an entry inside of it.
//
// A predicate is about indexes of one collation. Where the filter compares strings by another one,
// of a string it demands no more than that it is one.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plugins/database-document/index/key_intervals.h"
#include "plugins/database-document/match/matcher.h"

namespace nexadb::database {

struct Demand {
  std::string path;
  KeyIntervals values;
  // A document with a value inside matches this part of the filter: nothing is left to test.
  bool exact = false;
  // Whatever matches has something at the path, so a sparse index knows it.
  bool present = false;
  // Demands of one $elemMatch are about one element. Which $elemMatch, and which components of the
  // path (bit 0 is the first) hold the arrays whose elements it fixes.
  const void* element = nullptr;
  uint32_t element_arrays = 0;
};

struct Predicate {
  std::vector<Demand> demands;                       // all of them hold
  std::vector<std::vector<Predicate>> alternatives;  // of each list one holds
  bool complete = true;                              // false: the filter says more
  bool never = false;                                // nothing matches
};

// `collation` is the indexes' own; null: their strings are in the order of bytes.
Predicate PredicateOf(const query::Matcher& filter, const query::Collation* collation);

}  // namespace nexadb::database
