#include "plugins/database-document/tasks/task_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "core/base/system_env.h"
#include "core/document/error.h"

namespace nexadb::database {
namespace {

// A pool that runs what it is given on threads of its own, holds it back, or refuses it.
class FakePool final : public Executor {
 public:
  enum class Mode { kRun, kHold, kRefuse };
  ~FakePool() {
    for (std::thread& thread : threads_) thread.join();
  }
  Status Post(const Task& task) noexcept override {
    if (mode == Mode::kRefuse) {
      task.drop(task.state);
      return Status::Error(Code::kResourceExhausted, "the queue is full");
    }
    if (mode == Mode::kHold) {
      held.push_back(task);
    } else {
      threads_.emplace_back([task] { task.run(task.state); });
    }
    return {};
  }
  Status PostAfter(uint64_t, const Task& task) noexcept override { return Post(task); }
  void ParallelFor(uint64_t, void (*)(void*, uint64_t) noexcept, void*) noexcept override {}
  uint32_t BlockingThreads() noexcept override { return 1; }
  uint32_t ComputeThreads() noexcept override { return 1; }

  Mode mode = Mode::kRun;
  std::vector<Task> held;

 private:
  std::vector<std::thread> threads_;
};

class TaskTableTest : public ::testing::Test {
 protected:
  TaskTableTest() {
    environment_.system = &base::SystemEnv();
    environment_.executor = &pool_;
  }
  static Result<std::string> Nothing(TaskControl&) { return std::string(); }
  static TaskSpec Spec(TaskBody body) { return {"kind", "", "units", std::move(body)}; }
  std::string Start(TaskBody body) {
    auto task = table_.Start(Spec(std::move(body)));
    EXPECT_TRUE(task.ok());
    return task.ok() ? std::string(bson::Document(AsBytes(*task))["id"].value().Text()) : "";
  }
  std::string StateOf(const std::string& id) {
    auto task = table_.Get(id);
    EXPECT_TRUE(task.ok());
    return std::string(bson::Document(AsBytes(*task))["state"].value().Text());
  }
  void Await(const std::string& id, std::string_view state) {
    while (StateOf(id) != state) std::this_thread::yield();
  }

  Environment environment_;
  FakePool pool_;
  TaskTable table_{environment_};
};

TEST_F(TaskTableTest, ARefusedTaskLeavesNothing) {
  pool_.mode = FakePool::Mode::kRefuse;
  EXPECT_FALSE(table_.Start(Spec(Nothing)).ok());
  const std::string list = table_.List();
  EXPECT_TRUE(bson::Document(AsBytes(list))["tasks"].value().Doc().empty());
}

TEST_F(TaskTableTest, WhatThePoolDropsRunsWithTheNext) {
  pool_.mode = FakePool::Mode::kHold;
  const std::string first = Start(Nothing);
  pool_.held[0].drop(pool_.held[0].state);
  EXPECT_EQ(StateOf(first), "queued");
  pool_.mode = FakePool::Mode::kRun;
  const std::string second = Start(Nothing);
  Await(second, "done");
  EXPECT_EQ(StateOf(first), "done");
}

TEST_F(TaskTableTest, CloseWaitsForNobodyWhenThePoolHasDroppedAll) {
  pool_.mode = FakePool::Mode::kHold;
  const std::string id = Start(Nothing);
  pool_.held[0].drop(pool_.held[0].state);
  table_.Close();
  EXPECT_EQ(StateOf(id), "cancelled");
  EXPECT_TRUE(Is(table_.Start(Spec(Nothing)).status(), ErrorId::kDraining));
}

TEST_F(TaskTableTest, TasksRunOneAfterAnotherAndEndWhenCancelled) {
  std::atomic<int> running{0};
  const std::string endless = Start([&](TaskControl& control) -> Result<std::string> {
    ++running;
    for (;;) {
      if (Status status = control.Report(1, 2); !status.ok()) return status;
      std::this_thread::yield();
    }
  });
  const std::string waiting = Start(Nothing);
  const std::string last = Start(Nothing);
  Await(endless, "running");
  EXPECT_EQ(StateOf(waiting), "queued");
  EXPECT_TRUE(table_.Cancel(waiting).ok());
  EXPECT_TRUE(Is(table_.Cancel(waiting), ErrorId::kTaskNotCancellable));
  EXPECT_TRUE(table_.Cancel(endless).ok());
  Await(endless, "cancelled");
  Await(last, "done");
  EXPECT_TRUE(Is(table_.Cancel("0"), ErrorId::kTaskNotFound));
  EXPECT_TRUE(Is(table_.Get("01").status(), ErrorId::kTaskNotFound));
}

}  // namespace
}  // namespace nexadb::database
