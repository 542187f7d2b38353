#include "core/kernel/registry.h"

#include <gtest/gtest.h>

namespace nexadb::kernel {
namespace {

class RegistryTest : public ::testing::Test {
 protected:
  const loader::InterfaceName interface_{"test.number", 0, 1};
  int old_service_ = 1;
  int new_service_ = 2;
  Registry registry_;
};

TEST_F(RegistryTest, ALeaseGivesTheService) {
  ASSERT_TRUE(registry_.Provide("a", interface_, &old_service_).ok());
  EXPECT_TRUE(registry_.Provides("a", interface_));
  auto lease = registry_.Lease("a", interface_);
  ASSERT_TRUE(lease.ok());
  EXPECT_EQ((*lease)->Service(), &old_service_);
  EXPECT_EQ(std::string_view((*lease)->InstanceName()), "a");
  EXPECT_EQ(registry_.Provide("a", interface_, &new_service_).code(), Code::kConflict);
  EXPECT_EQ(registry_.Lease("b", interface_).status().code(), Code::kUnavailable);
}

TEST_F(RegistryTest, ASuccessorTakesTheNameWithItsLeasesThenTheirConsumersAreTold) {
  ASSERT_TRUE(registry_.Provide("a", interface_, &old_service_).ok());
  ASSERT_TRUE(registry_.Provide("b", interface_, &new_service_).ok());
  auto lease = registry_.Lease("a", interface_);
  ASSERT_TRUE(lease.ok());
  struct Seen {
    ServiceLease* lease;
    void* service = nullptr;
    int calls = 0;
  } seen{lease->get()};
  (*lease)->OnRebind({[](void* s) noexcept {
                        auto* state = static_cast<Seen*>(s);
                        state->service = state->lease->Service();
                        ++state->calls;
                      },
                      &seen});
  ASSERT_TRUE(registry_.Replace("a", "b").ok());
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(seen.service, &new_service_);
  EXPECT_EQ(std::string_view((*lease)->InstanceName()), "a");
  EXPECT_FALSE(registry_.Provides("b", interface_));
  auto later = registry_.Lease("a", interface_);
  ASSERT_TRUE(later.ok());
  EXPECT_EQ((*later)->Service(), &new_service_);
}

TEST_F(RegistryTest, ASuccessorThatLacksALeasedInterfaceChangesNothing) {
  ASSERT_TRUE(registry_.Provide("a", interface_, &old_service_).ok());
  ASSERT_TRUE(registry_.Provide("b", {"test.other", 0, 1}, &new_service_).ok());
  auto lease = registry_.Lease("a", interface_);
  EXPECT_EQ(registry_.Replace("a", "b").code(), Code::kUnavailable);
  EXPECT_EQ((*lease)->Service(), &old_service_);
  EXPECT_TRUE(registry_.Provides("a", interface_));
}

TEST_F(RegistryTest, WhatNobodyLeasesMayComeAndGoWithASuccessor) {
  const loader::InterfaceName other{"test.other", 0, 1};
  ASSERT_TRUE(registry_.Provide("a", interface_, &old_service_).ok());
  ASSERT_TRUE(registry_.Provide("b", other, &new_service_).ok());
  ASSERT_TRUE(registry_.Replace("a", "b").ok());
  EXPECT_FALSE(registry_.Provides("a", interface_));
  EXPECT_TRUE(registry_.Provides("a", other));
}

TEST_F(RegistryTest, AConsumerMayReleaseItsLeasesWhileBeingTold) {
  ASSERT_TRUE(registry_.Provide("a", interface_, &old_service_).ok());
  ASSERT_TRUE(registry_.Provide("b", interface_, &new_service_).ok());
  struct Held {
    Handle<ServiceLease> first;
    Handle<ServiceLease> second;
  } held;
  held.first = std::move(*registry_.Lease("a", interface_));
  held.second = std::move(*registry_.Lease("a", interface_));
  held.first->OnRebind({[](void* s) noexcept { static_cast<Held*>(s)->second.Reset(); }, &held});
  ASSERT_TRUE(registry_.Replace("a", "b").ok());
  EXPECT_EQ(held.first->Service(), &new_service_);
}

TEST_F(RegistryTest, AWithdrawnServiceIsNull) {
  ASSERT_TRUE(registry_.Provide("a", interface_, &old_service_).ok());
  auto lease = registry_.Lease("a", interface_);
  registry_.Withdraw("a");
  EXPECT_EQ((*lease)->Service(), nullptr);
  EXPECT_EQ(std::string_view((*lease)->InstanceName()), "a");
}

}  // namespace
}  // namespace nexadb::kernel
