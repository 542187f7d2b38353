// Runs the laws of nexadb.storage_engine over a built library:
//
//   nexadb-storage-conformance NAME LIBRARY durable|volatile [CONFIG]
//
// once on the real system and, with names ending in "Sim<seed>", on simulated machines; durable
// ones also through power cuts and disk faults. All in one process, with GoogleTest's flags;
// nexadb-plugin-check runs each law apart.
#include <gtest/gtest.h>

#include "nexadb/testkit/storage_engine_suite.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 4) {
    std::fprintf(stderr, "use: %s NAME LIBRARY durable|volatile [CONFIG]\n", argv[0]);
    return 2;
  }
  const bool durable = std::string(argv[3]) == "durable";
  nexadb::testkit::RegisterStoragePluginSuites(
      {argv[1], {argv[2], argc > 4 ? argv[4] : "{}"}, durable});
  return RUN_ALL_TESTS();
}
