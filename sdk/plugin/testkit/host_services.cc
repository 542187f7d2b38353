#include "host_services.h"

#include <algorithm>
#include <utility>

#include "core/base/mutex_lock.h"

namespace nexadb::testkit {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

std::pair<std::string, std::string> SeriesKey(const MetricSpec& spec) {
  return {std::string(spec.name), std::string(spec.label_value)};
}

// A loop whose iterations threads take one after the other.
struct Loop {
  void Help() {
    for (uint64_t i = next++; i < count; i = next++) body(state, i);
  }
  const uint64_t count;
  void (*const body)(void* state, uint64_t i) noexcept;
  void* const state;
  std::atomic<uint64_t> next{0};
};

}  // namespace

HostExecutor::HostExecutor(Env& env, uint32_t blocking_threads, uint32_t compute_threads)
    : env_(env),
      threads_wanted_(blocking_threads),
      compute_threads_(compute_threads),
      mutex_(env.NewMutex()),
      changed_(env.NewCondVar()) {}

// Threads start with the first task: a plugin without tasks leaves a simulation without them.
void HostExecutor::EnsureThreads() {
  while (threads_.size() < threads_wanted_) {
    Callback body{[](void* self) noexcept { static_cast<HostExecutor*>(self)->Run(); }, this};
    auto thread = env_.StartThread("pool", body);
    if (!thread.ok()) return;
    threads_.push_back(std::move(*thread));
  }
}

Status HostExecutor::PostAfter(uint64_t delay_ms, const Task& task) noexcept {
  base::MutexLock hold(mutex_);
  if (stopping_) {
    task.drop(task.state);
    return Status::Error(Code::kUnavailable, "the executor has stopped");
  }
  EnsureThreads();
  queue_.emplace(env_.Clock().MonotonicNs() + delay_ms * kNsPerMs, task);
  changed_->NotifyAll();
  return {};
}

void HostExecutor::Run() {
  base::MutexLock hold(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_->Wait(*mutex_);
      continue;
    }
    auto first = queue_.begin();
    uint64_t now = env_.Clock().MonotonicNs();
    if (first->first > now) {
      changed_->WaitFor(*mutex_, first->first - now);
      continue;
    }
    Task task = first->second;
    queue_.erase(first);
    mutex_->Unlock();
    task.run(task.state);
    mutex_->Lock();
  }
}

void HostExecutor::ParallelFor(uint64_t count, void (*body)(void* state, uint64_t i) noexcept,
                               void* state) noexcept {
  Loop loop{count, body, state};
  const Callback help{[](void* self) noexcept { static_cast<Loop*>(self)->Help(); }, &loop};
  std::vector<Handle<Thread>> helpers;
  for (uint64_t i = 1; i < std::min<uint64_t>(count, compute_threads_); ++i) {
    auto thread = env_.StartThread("compute", help);
    if (thread.ok()) helpers.push_back(std::move(*thread));
  }
  loop.Help();
  for (auto& thread : helpers) thread->Join();
}

void HostExecutor::Stop() {
  std::vector<Handle<Thread>> threads;
  std::multimap<uint64_t, Task> dropped;
  {
    base::MutexLock hold(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    dropped.swap(queue_);
    changed_->NotifyAll();
  }
  for (auto& thread : threads) thread->Join();
  for (auto& [due, task] : dropped) task.drop(task.state);
}

void HostLogger::Write(LogLevel level, StringView message, Span<const LogField> fields) noexcept {
  std::string text(message);
  for (const LogField& field : fields) {
    text.append(" ").append(std::string_view(field.name)).append("=");
    text.append(std::string_view(field.value));
  }
  std::lock_guard<std::mutex> hold(mutex_);
  lines_.push_back({level, std::move(text)});
}

std::vector<LogLine> HostLogger::Take() {
  std::lock_guard<std::mutex> hold(mutex_);
  return std::exchange(lines_, {});
}

nexadb::Counter& HostMetrics::NewCounter(const MetricSpec& spec) noexcept {
  std::lock_guard<std::mutex> hold(mutex_);
  return counters_[SeriesKey(spec)];
}
nexadb::Gauge& HostMetrics::NewGauge(const MetricSpec& spec) noexcept {
  std::lock_guard<std::mutex> hold(mutex_);
  return gauges_[SeriesKey(spec)];
}
nexadb::Histogram& HostMetrics::NewHistogram(const MetricSpec& spec, Span<const double>) noexcept {
  std::lock_guard<std::mutex> hold(mutex_);
  return histograms_[SeriesKey(spec)];
}

double HostMetrics::Sum(const std::string& name) const {
  std::lock_guard<std::mutex> hold(mutex_);
  double sum = 0;
  auto add = [&](const auto& series) {
    for (const auto& [key, metric] : series) {
      if (key.first == name) sum += metric.value.load(std::memory_order_relaxed);
    }
  };
  add(counters_);
  add(gauges_);
  add(histograms_);
  return sum;
}

}  // namespace nexadb::testkit
