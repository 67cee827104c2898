#include "thread_pool.h"

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "isa.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <sched.h>

#include <set>
#include <string>
#include <utility>
#endif

namespace tsumugi {

namespace {

// About 10 to 20 µs: longer than a balanced barrier takes, shorter than a time slice that a neighbour needs.
constexpr int kSpins = 256;

template <typename Ready>
bool spin_until(Ready ready) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (ready()) return true;
    cpu_relax();
  }
  return false;
}

// Code of this library must stay mapped while pool threads run it, even when the Node environment
// (a worker_thread) that loaded it first has ended.
void keep_library_loaded() {
#if defined(__linux__)
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&keep_library_loaded), &info) != 0 && info.dli_fname != nullptr) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  }
#endif
}

}  // namespace

struct JobState {
  ThreadPool::Job job;
  ThreadPool::Done done;
  int count = 0;
  uint64_t number = 0;

  std::exception_ptr error;
  std::mutex error_mutex;

  struct alignas(64) Chunks {
    std::atomic<int64_t> next{0};
  };
  Chunks loops[Worker::kLoops];  // those since the last barrier
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<uint32_t> phase{0};
  alignas(64) std::atomic<bool> failed{false};
  alignas(64) std::atomic<int> remaining{0};

  void fail(std::exception_ptr reason) {
    {
      std::lock_guard<std::mutex> lock(error_mutex);
      if (!error) error = std::move(reason);
    }
    failed.store(true);
    phase.fetch_add(1);  // wakes those who wait at a barrier
    phase.notify_all();
  }
};

int64_t Worker::next_chunk() { return state_.loops[loop_].next.fetch_add(1, std::memory_order_relaxed); }

void Worker::end_loop() {
  const bool joins = joins_ && loop_ + 1 < kLoops;
  joins_ = false;
  if (!joins) return barrier();
  ++loop_;
}

void Worker::barrier() {
  JobState& state = state_;
  loop_ = 0;
  if (count > 1) {
    const uint32_t phase = state.phase.load(std::memory_order_acquire);
    if (state.failed.load(std::memory_order_acquire)) throw JobAborted();
    if (state.arrived.fetch_add(1, std::memory_order_acq_rel) == count - 1) {
      state.arrived.store(0, std::memory_order_relaxed);
      for (JobState::Chunks& chunks : state.loops) chunks.next.store(0, std::memory_order_relaxed);
      state.phase.fetch_add(1, std::memory_order_release);
      state.phase.notify_all();
    } else if (!spin_until([&] { return state.phase.load(std::memory_order_acquire) != phase; })) {
      while (state.phase.load(std::memory_order_acquire) == phase) state.phase.wait(phase, std::memory_order_acquire);
    }
    if (state.failed.load(std::memory_order_acquire)) throw JobAborted();
  }
}

struct ThreadPool::Impl {
  std::mutex mutex;
  std::deque<std::shared_ptr<JobState>> queue;
  std::shared_ptr<JobState> current;
  uint64_t numbered = 0;
  int threads = 0;
  std::atomic<uint32_t> published{0};

  void grow(int wanted) {
    while (threads < wanted) {
      // Detached, never joined: at the end of the process they vanish with it.
      std::thread([this, index = threads] { work(index); }).detach();
      ++threads;
    }
  }

  // With the mutex held.
  void publish_next() {
    current.reset();
    if (queue.empty()) return;
    current = std::move(queue.front());
    queue.pop_front();
    current->number = ++numbered;
    published.fetch_add(1, std::memory_order_release);
    published.notify_all();
  }

  void work(int index) {
    flush_denormals_in_this_thread();
    uint64_t last = 0;
    for (;;) {
      const uint32_t seen = published.load(std::memory_order_acquire);
      std::shared_ptr<JobState> job;
      {
        std::lock_guard<std::mutex> lock(mutex);
        if (current && current->number != last && index < current->count) job = current;
      }
      if (!job) {
        if (!spin_until([&] { return published.load(std::memory_order_acquire) != seen; })) {
          published.wait(seen, std::memory_order_acquire);
        }
        continue;
      }
      last = job->number;
      Worker worker(index, job->count, *job);
      try {
        job->job(worker);
      } catch (const JobAborted&) {
        // The worker that failed has said why.
      } catch (...) {
        job->fail(std::current_exception());
      }
      if (job->remaining.fetch_sub(1, std::memory_order_acq_rel) == 1) finish(*job);
    }
  }

  void finish(JobState& job) {
    job.job = nullptr;  // releases what the job holds before its end is told
    if (job.done) job.done(std::move(job.error));  // nothing of the exception stays with the pool
    job.done = nullptr;
    std::lock_guard<std::mutex> lock(mutex);
    publish_next();
  }
};

ThreadPool::ThreadPool() : impl_(new Impl) { keep_library_loaded(); }

ThreadPool& ThreadPool::shared() {
  static ThreadPool* pool = new ThreadPool;  // never destroyed: its threads may run until the process ends
  return *pool;
}

void ThreadPool::submit(int workers, Job job, Done done) {
  auto state = std::make_shared<JobState>();
  state->job = std::move(job);
  state->done = std::move(done);
  state->count = workers > 0 ? workers : default_workers();
  state->remaining.store(state->count, std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->grow(state->count);
  impl_->queue.push_back(std::move(state));
  if (!impl_->current) impl_->publish_next();
}

void ThreadPool::run(int workers, const Job& job) {
  struct Latch {
    std::mutex mutex;
    std::condition_variable condition;
    bool finished = false;
    std::exception_ptr error;
  };
  auto latch = std::make_shared<Latch>();
  submit(workers, job, [latch](std::exception_ptr error) {
    std::lock_guard<std::mutex> lock(latch->mutex);
    latch->error = std::move(error);
    latch->finished = true;
    latch->condition.notify_all();
  });
  std::unique_lock<std::mutex> lock(latch->mutex);
  latch->condition.wait(lock, [&] { return latch->finished; });
  if (std::exception_ptr error = std::move(latch->error)) std::rethrow_exception(std::move(error));
}

namespace {

#if defined(__linux__)
int read_integer(const char* path) {
  int value = -1;
  if (FILE* file = std::fopen(path, "r")) {
    if (std::fscanf(file, "%d", &value) != 1) value = -1;
    std::fclose(file);
  }
  return value;
}

// Cores that the control group's quota pays for, or a large number.
int quota_cores() {
  long long quota = -1, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%lld %lld", &quota, &period) != 2) quota = -1;  // "max" when there is none
    std::fclose(file);
  }
  if (quota <= 0 || period <= 0) return 1 << 20;
  return static_cast<int>((quota + period - 1) / period);
}

int count_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  std::set<std::pair<int, int>> cores;  // (package, core): two hyper-threads of one core count once
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const int package = read_integer((topology + "physical_package_id").c_str());
    const int core = read_integer((topology + "core_id").c_str());
    cores.insert(core < 0 ? std::make_pair(-1 - cpu, 0) : std::make_pair(package, core));
  }
  const int quota = quota_cores();
  const int count = static_cast<int>(cores.size());
  return quota < count ? quota : count;
}
#endif

}  // namespace

int ThreadPool::default_workers() {
  static const int workers = [] {
    int cores = 0;
#if defined(__linux__)
    cores = count_cores();
#endif
    if (cores <= 0) cores = static_cast<int>(std::thread::hardware_concurrency());
    return cores > 0 ? cores : 1;
  }();
  return workers;
}

}  // namespace tsumugi
