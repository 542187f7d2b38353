#include "plugins/database-document/tasks/task_table.h"

#include <charconv>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::database {

namespace {

constexpr std::string_view kStateNames[] = {"queued", "running", "done", "failed", "cancelled"};

Status NoSuchTask(std::string_view id) {
  return MakeError(ErrorId::kTaskNotFound, "there is no task '" + std::string(id) + "'",
                   ErrorDetail().Text("id", id).Finish());
}

void AppendMoment(std::string_view name, int64_t unix_ms, bson::Builder& out) {
  unix_ms == 0 ? out.Null(name) : out.DateMs(name, unix_ms);
}

}  // namespace

struct TaskTable::Job {
  uint64_t number = 0;
  TaskSpec spec;
  State state = State::kQueued;
  int64_t created_ms = 0;
  int64_t started_ms = 0;
  int64_t finished_ms = 0;
  std::string result;
  Status error;
  TaskControl control;
};

Status TaskControl::Report(uint64_t done, uint64_t total) {
  done_.store(done, std::memory_order_relaxed);
  total_.store(total, std::memory_order_relaxed);
  return cancelled() ? MakeError(ErrorId::kCancelled, "the task was cancelled") : Status();
}

std::string TaskTable::Describe(const Job& job) {
  bson::Builder out;
  out.Text("id", std::to_string(job.number)).Text("kind", job.spec.kind);
  out.Text("state", kStateNames[static_cast<size_t>(job.state)]);
  if (!job.spec.subject.empty()) out.Elements(bson::Document(AsBytes(job.spec.subject)));
  out.OpenObject("progress").Int64("done", static_cast<int64_t>(job.control.done_.load()));
  out.Int64("total", static_cast<int64_t>(job.control.total_.load()));
  out.Text("unit", job.spec.unit).Close();
  AppendMoment("created_at", job.created_ms, out);
  AppendMoment("started_at", job.started_ms, out);
  AppendMoment("finished_at", job.finished_ms, out);
  if (!job.result.empty()) out.Object("result", bson::Document(AsBytes(job.result)));
  if (!job.error.ok()) {
    out.OpenObject("error").Text("code", ErrorOf(job.error).name);
    out.Text("detail", job.error.message()).Close();
  }
  return out.Finish();
}

Result<std::string> TaskTable::Start(TaskSpec spec) {
  auto job = std::make_shared<Job>();
  job->spec = std::move(spec);
  job->created_ms = environment_.NowMs();
  std::unique_lock lock(mutex_);
  if (closed_) return MakeError(ErrorId::kDraining, "the database is shutting down");
  job->number = next_number_++;
  jobs_.emplace(job->number, job);
  queue_.push_back(job);
  Forget();
  if (runner_) return Describe(*job);
  runner_ = true;
  lock.unlock();
  Status posted = PostRunner();
  lock.lock();
  if (posted.ok()) return Describe(*job);
  std::erase(queue_, job);
  jobs_.erase(job->number);
  return posted;
}

Status TaskTable::PostRunner() {
  const Task task{[](void* self) noexcept { static_cast<TaskTable*>(self)->RunQueue(); },
                  [](void* self) noexcept { static_cast<TaskTable*>(self)->RunnerDropped(); },
                  this};
  return environment_.executor->Post(task);
}

// The pool refuses or stops. What is queued waits for the next job, or for Close.
void TaskTable::RunnerDropped() noexcept {
  std::lock_guard lock(mutex_);
  runner_ = false;
  idle_.notify_all();
}

void TaskTable::RunQueue() noexcept {
  for (;;) {
    JobPtr job;
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty()) {
        runner_ = false;
        idle_.notify_all();
        return;
      }
      job = std::move(queue_.front());
      queue_.pop_front();
      job->state = State::kRunning;
      job->started_ms = environment_.NowMs();
    }
    Run(*job);
  }
}

void TaskTable::Run(Job& job) {
  auto result = sdk::Guard([&]() -> Result<std::string> {
    if (job.control.cancelled()) return MakeError(ErrorId::kCancelled, "the task was cancelled");
    return job.spec.body(job.control);
  });
  std::lock_guard lock(mutex_);
  if (result.ok()) {
    job.result = std::move(*result);
    return Finish(job, State::kDone);
  }
  job.error = result.status();
  Finish(job, job.control.cancelled() ? State::kCancelled : State::kFailed);
  if (job.state == State::kFailed) {
    environment_.log->Error("task " + std::to_string(job.number) + " (" + job.spec.kind +
                            ") failed: " + std::string(job.error.message()));
  }
}

void TaskTable::Finish(Job& job, State state) {
  job.state = state;
  job.finished_ms = environment_.NowMs();
  job.spec.body = nullptr;  // what it holds goes now, not with the memory of the task
}

// Only those that have ended.
void TaskTable::Forget() {
  for (auto at = jobs_.begin();
       jobs_.size() > static_cast<size_t>(kTasksKeptMax) && at != jobs_.end();) {
    at = at->second->finished_ms != 0 ? jobs_.erase(at) : std::next(at);
  }
}

std::string TaskTable::List() {
  std::lock_guard lock(mutex_);
  bson::Builder out;
  out.OpenArray("tasks");
  size_t index = 0;
  for (auto at = jobs_.rbegin(); at != jobs_.rend(); ++at) {
    const std::string task = Describe(*at->second);
    out.Object(std::to_string(index++), bson::Document(AsBytes(task)));
  }
  return out.Close().Finish();
}

Result<std::string> TaskTable::Get(std::string_view id) {
  uint64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number);
  std::lock_guard lock(mutex_);
  const auto found = jobs_.find(number);
  // Only the way that the number was written names it.
  if (found == jobs_.end() || std::to_string(number) != id) return NoSuchTask(id);
  return Describe(*found->second);
}

Status TaskTable::Cancel(std::string_view id) {
  uint64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number);
  std::lock_guard lock(mutex_);
  const auto found = jobs_.find(number);
  if (found == jobs_.end() || std::to_string(number) != id) return NoSuchTask(id);
  Job& job = *found->second;
  if (job.finished_ms != 0) {
    return MakeError(ErrorId::kTaskNotCancellable, "the task has ended already");
  }
  job.control.cancelled_.store(true);
  if (job.state != State::kQueued) return {};
  std::erase(queue_, found->second);
  Finish(job, State::kCancelled);
  return {};
}

void TaskTable::Close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  queue_.clear();
  for (const auto& [number, job] : jobs_) {
    job->control.cancelled_.store(true);
    if (job->state == State::kQueued) Finish(*job, State::kCancelled);
  }
  idle_.wait(lock, [&] { return !runner_; });
}

}  // namespace nexadb::database
