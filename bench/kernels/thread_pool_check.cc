// Checks the thread pool under many submitters, growth and failures, and times a barrier. From the project's root:
//   g++ -std=c++20 -O2 -pthread [-fsanitize=thread] -Inative/include bench/kernels/thread_pool_check.cc
//       native/kernels/{thread_pool,isa}.cc -o /tmp/thread_pool_check -ldl && /tmp/thread_pool_check
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "thread_pool.h"

using namespace tsumugi;

namespace {

void expect(bool good, const char* what) {
  if (good) return;
  std::printf("FAILED %s\n", what);
  std::exit(1);
}

// Each worker adds to its own cell; after a barrier each reads all cells.
void check_barriers(int workers, int rounds) {
  std::vector<int64_t> cells(static_cast<size_t>(workers), 0);
  std::atomic<int> wrong{0};
  ThreadPool::shared().run(workers, [&](Worker& worker) {
    for (int round = 1; round <= rounds; ++round) {
      cells[static_cast<size_t>(worker.index)] += round;
      worker.barrier();
      for (const int64_t cell : cells) {
        if (cell != int64_t{round} * (round + 1) / 2) ++wrong;
      }
      worker.barrier();
    }
  });
  expect(wrong == 0, "what was written before a barrier is seen after it");
}

void check_chunks(int workers) {
  std::vector<int> counts(1000, 0);
  ThreadPool::shared().run(workers, [&](Worker& worker) {
    for (int64_t chunks : {1000, 0, 1, 7}) {
      worker.parallel_for(chunks, [&](int64_t chunk) { ++counts[static_cast<size_t>(chunk)]; });
    }
  });
  for (size_t i = 0; i < counts.size(); ++i) expect(counts[i] == (i == 0 ? 3 : i < 7 ? 2 : 1), "each chunk runs once");
}

void check_joined_loops(int workers) {
  constexpr int kRounds = 50;
  std::vector<int> counts(64, 0);
  std::atomic<int> wrong{0};
  ThreadPool::shared().run(workers, [&](Worker& worker) {
    for (int round = 0; round < kRounds; ++round) {
      for (int loop = 0; loop < 6; ++loop) {  // more than kLoops: a barrier comes between
        if (loop < 5) worker.join_loops();
        worker.parallel_for(10, [&](int64_t chunk) { ++counts[static_cast<size_t>(10 * loop + chunk)]; });
      }
      for (int place = 0; place < 60; ++place) wrong += counts[static_cast<size_t>(place)] != round + 1;
      Worker alone = worker.alone();
      if (worker.index == 0) alone.parallel_for(3, [&](int64_t chunk) { ++counts[static_cast<size_t>(60 + chunk)]; });
      worker.barrier();
    }
  });
  expect(wrong == 0, "what joined loops write is seen after the last one's barrier");
  expect(counts[60] == kRounds && counts[62] == kRounds, "a worker alone runs each chunk once");
}

void check_failure(int workers) {
  std::string message;
  std::atomic<int> passed{0};
  try {
    ThreadPool::shared().run(workers, [&](Worker& worker) {
      worker.barrier();
      if (worker.index == worker.count - 1) throw std::runtime_error("on purpose");
      worker.barrier();
      ++passed;
    });
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  expect(message == "on purpose" && passed == 0, "a failure ends its job, and is told");
}

}  // namespace

int main() {
  std::printf("default workers: %d\n", ThreadPool::default_workers());
  std::vector<std::thread> submitters;
  for (int submitter = 0; submitter < 4; ++submitter) {
    submitters.emplace_back([submitter] {
      for (int round = 0; round < 50; ++round) {
        const int workers = 1 + (submitter + round) % 5;
        check_barriers(workers, 20);
        check_chunks(workers);
        check_joined_loops(workers);
        check_failure(workers);
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();

  // First in, first out; completions are told in order.
  std::vector<int> order;
  std::atomic<int> told{0};
  for (int job = 0; job < 100; ++job) {
    ThreadPool::shared().submit(
        1 + job % 3, [](Worker& worker) { worker.barrier(); },
        [&order, &told, job](std::exception_ptr) {
          order.push_back(job);
          ++told;
        });
  }
  while (told < 100) std::this_thread::yield();
  for (int job = 0; job < 100; ++job) expect(order[static_cast<size_t>(job)] == job, "jobs run in order");

  const auto seconds = [](auto work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const double barriers = seconds([] {
    ThreadPool::shared().run(0, [](Worker& worker) {
      for (int i = 0; i < 20000; ++i) worker.barrier();
    });
  });
  const double jobs = seconds([] {
    for (int i = 0; i < 2000; ++i) ThreadPool::shared().run(0, [](Worker&) {});
  });
  std::printf("barrier %.0f ns, empty job there and back %.1f us\nall good\n", barriers / 20000 * 1e9, jobs / 2000 * 1e6);
}
