// One pool of worker threads per process, shared by all sessions and all Node environments.
//
// A job runs "single program, multiple data": every worker of the job calls the same function, and the
// function shares work out by `parallel_for`. Jobs run one after another in the order of submission.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

namespace tsumugi {

struct JobState;

// What a barrier throws in the other workers when one worker of the job has thrown.
struct JobAborted : std::exception {
  const char* what() const noexcept override { return "another worker of this job failed"; }
};

// One worker's place in a job. All workers of a job must pass the same barriers in the same order.
class Worker {
 public:
  Worker(int worker_index, int worker_count, JobState& state) : index(worker_index), count(worker_count), state_(state) {}

  const int index;  // 0 … count - 1
  const int count;

  // Returns when all workers have come here. Everything written before is visible after.
  // When a worker of the job has thrown, barriers throw JobAborted in all others (waiting or yet to come),
  // so that nobody waits for ever; let it pass through.
  void barrier();

  // Calls fn(chunk) for each chunk 0 … chunks - 1 once, on whichever worker is free; ends with a barrier.
  template <typename Function>
  void parallel_for(int64_t chunks, Function&& fn) {
    if (count == 1) {
      for (int64_t chunk = 0; chunk < chunks; ++chunk) fn(chunk);
      return;
    }
    for (int64_t chunk = next_chunk(); chunk < chunks; chunk = next_chunk()) fn(chunk);
    end_loop();
  }

  // The next loop ends without its barrier: what comes before the next barrier must not need what the loop writes, nor write
  // what it reads. Called by all workers alike; after kLoops loops there is a barrier all the same.
  void join_loops() { joins_ = true; }

  // This worker as one that works alone, for what no other worker does meanwhile.
  Worker alone() const { return Worker(index, 1, state_); }

  static constexpr int kLoops = 4;

 private:
  int64_t next_chunk();
  void end_loop();
  JobState& state_;
  int loop_ = 0;  // since the last barrier
  bool joins_ = false;
};

class ThreadPool {
 public:
  using Job = std::function<void(Worker&)>;
  using Done = std::function<void(std::exception_ptr)>;

  // The pool of the process; threads start with the first job. It lives until the process ends.
  static ThreadPool& shared();

  // Physical cores that this process may use (affinity and control group counted); at least 1.
  static int default_workers();

  // Queues the job and returns at once. `workers` <= 0 means the default; the pool grows to what is asked
  // for. `done` is called once on a pool thread, with null or with the first exception of the job; it must
  // be short and must not throw. A later job starts after it has returned.
  void submit(int workers, Job job, Done done);

  // The same, but waits. Not for the thread of the event loop, and not inside a job.
  void run(int workers, const Job& job);

 private:
  ThreadPool();
  ~ThreadPool() = delete;
  struct Impl;
  Impl* impl_;
};

}  // namespace tsumugi
