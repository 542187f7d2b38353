#include "core/loader/fingerprint.h"

#include <gtest/gtest.h>

namespace nexadb::loader {
namespace {

TEST(Fingerprint, OursIsCompatibleWhateverTheCompiler) {
  const std::string ours(KernelFingerprint());
  EXPECT_TRUE(CompareFingerprint(ours).ok());
  const std::string left = ours.substr(0, ours.find('|'));
  EXPECT_TRUE(CompareFingerprint(left + "|99.9;libother").ok());
  EXPECT_EQ(Toolchain(left + "|99.9;libother"), "99.9;libother");
}

TEST(Fingerprint, EveryFieldThatDiffersIsNamedWithBothSides) {
  const Status status =
      CompareFingerprint("linux-riscv64,itanium,ptr=8,abi=9.7,san=asan|17.0;libc++");
  ASSERT_EQ(status.code(), Code::kUnsupported);
  const std::string text(status.message());
  EXPECT_NE(text.find("platform is linux-riscv64, this kernel's is linux-"), std::string::npos);
  EXPECT_NE(text.find("plugin ABI is abi=9.7, this kernel's is abi="), std::string::npos);
  EXPECT_NE(text.find("17.0;libc++"), std::string::npos);
  EXPECT_EQ(text.find("pointer size"), std::string::npos) << text;
}

TEST(Fingerprint, GarbageIsRefusedWithBothTexts) {
  const Status status = CompareFingerprint("garbage");
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_NE(status.message().find("garbage"), std::string_view::npos);
}

}  // namespace
}  // namespace nexadb::loader
