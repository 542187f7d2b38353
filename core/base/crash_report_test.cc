#include "core/base/crash_report.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <math.h>

namespace nexadb::base {
namespace {

TEST(CrashReport, AddressesAreTracedToTheirLibrary) {
  Dl_info info;
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(&::getenv), &info), 0);
  EXPECT_EQ(LabelOf(info.dli_saddr), "");
  NameLibrary(info.dli_saddr, "the C library");
  EXPECT_EQ(LabelOf(info.dli_saddr), "the C library");
  EXPECT_EQ(LabelOf(nullptr), "");
  int on_the_stack = 0;
  EXPECT_EQ(LabelOf(&on_the_stack), "");
}

}  // namespace
}  // namespace nexadb::base
