// What this machine can do at this moment: reads commands from standard input and answers each with one line of JSON.
//
//   g++ -std=c++20 -O3 -pthread bench/kernels/probe.cc -o probe && echo bandwidth | ./probe 2
//
//   bandwidth   reads 256 MB of memory with all threads, again and again for about 60 ms: the median pass in GB/s
//   peaks       operations a second (a multiply and an add count as two) of each unit that the processor has, from registers
//
// The bandwidth of virtual machines changes from second to second, so sides of a comparison ask right before and after they measure.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// All threads do the work at once; gives the time from the common start to the last one's end.
double together(int threads, const std::function<void(int)>& work) {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> list;
  for (int i = 0; i < threads; ++i) {
    list.emplace_back([&, i] {
      ++ready;
      while (!go) {
      }
      work(i);
    });
  }
  while (ready < threads) {
  }
  const auto start = Clock::now();
  go = true;
  for (std::thread& thread : list) thread.join();
  return seconds_since(start);
}

volatile uint64_t sink;

#if defined(__x86_64__)
__attribute__((target("avx2"))) void read_avx2(const uint8_t* from, size_t bytes) {
  __m256i sums[4] = {};
  for (size_t i = 0; i < bytes; i += 128) {
    for (int j = 0; j < 4; ++j) {
      sums[j] = _mm256_xor_si256(sums[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i + 32 * j)));
    }
  }
  const __m256i all = _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
  sink = static_cast<uint64_t>(_mm256_extract_epi64(all, 0));
}
#endif

void read_plain(const uint8_t* from, size_t bytes) {
  uint64_t sums[8] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(from);
  for (size_t i = 0; i < bytes / 8; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] ^= words[i + j];
  }
  for (const uint64_t sum : sums) sink = sum;
}

double bandwidth(int threads) {
  static const size_t bytes = size_t{256} << 20;
  static uint8_t* const memory = [] {
    auto* made = static_cast<uint8_t*>(std::aligned_alloc(size_t{2} << 20, bytes));
    madvise(made, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < bytes; i += 64) made[i] = static_cast<uint8_t>(i >> 6);
    return made;
  }();
  const size_t share = bytes / static_cast<size_t>(threads) / 4096 * 4096;
  std::vector<double> passes;
  const auto start = Clock::now();
  do {
    const double seconds = together(threads, [&](int i) {
      const uint8_t* from = memory + static_cast<size_t>(i) * share;
#if defined(__x86_64__)
      if (__builtin_cpu_supports("avx2")) return read_avx2(from, share);
#endif
      read_plain(from, share);
    });
    passes.push_back(static_cast<double>(share) * threads / seconds / 1e9);
  } while (seconds_since(start) < 0.06);
  std::sort(passes.begin(), passes.end());
  return passes[passes.size() / 2];
}

#if defined(__x86_64__)
constexpr int64_t kRounds = 20'000'000;

// Twelve chains that do not wait for one another keep the units busy.
#define CHAINS(Type, start, step)                                  \
  Type c[12];                                                      \
  for (auto& value : c) value = start;                             \
  for (int64_t i = 0; i < kRounds; i += 12) {                      \
    _Pragma("GCC unroll 12") for (int j = 0; j < 12; ++j) { step } \
  }                                                                \
  for (auto& value : c) asm volatile("" : : "x"(value));

__attribute__((target("avx2,fma"))) void fma_avx2() {
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
  CHAINS(__m256, _mm256_set1_ps(1.0f), c[j] = _mm256_fmadd_ps(c[j], a, b);)
}
__attribute__((target("avx512f"))) void fma_avx512() {
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
  CHAINS(__m512, _mm512_set1_ps(1.0f), c[j] = _mm512_fmadd_ps(c[j], a, b);)
}
__attribute__((target("avx512f,avx512bf16"))) void bfloat16_avx512() {
  const __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f7e3f7e), b = (__m512bh)_mm512_set1_epi32(0x3a803a80);
  CHAINS(__m512, _mm512_set1_ps(1.0f), c[j] = _mm512_dpbf16_ps(c[j], a, b);)
}
__attribute__((target("avx512f,avx512vnni"))) void int8_avx512() {
  const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-2);
  CHAINS(__m512i, _mm512_setzero_si512(), c[j] = _mm512_dpbusd_epi32(c[j], a, b);)
}
#endif

std::string peaks(int threads) {
  std::string json = "{";
#if defined(__x86_64__)
  const auto add = [&](const char* name, bool has, void (*work)(), double operations) {
    if (!has) return;
    work();  // to reach the clock that it runs at
    const double seconds = together(threads, [&](int) { work(); });
    char text[96];
    std::snprintf(text, sizeof text, "%s\"%s\": %.4g", json.size() > 1 ? ", " : "", name,
                  static_cast<double>(kRounds) * operations * threads / seconds / 1e12);
    json += text;
  };
  add("float32Avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), fma_avx2, 16);
  add("float32Avx512", __builtin_cpu_supports("avx512f"), fma_avx512, 32);
  add("bfloat16Avx512", __builtin_cpu_supports("avx512bf16"), bfloat16_avx512, 64);
  add("int8Avx512", __builtin_cpu_supports("avx512vnni"), int8_avx512, 128);
#else
  (void)threads;
#endif
  return json + "}";
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::max(1, std::atoi(arguments[1])) : 2;
  for (std::string command; std::getline(std::cin, command);) {
    if (command == "bandwidth") {
      std::printf("{\"gigabytesPerSecond\": %.2f}\n", bandwidth(threads));
    } else if (command == "peaks") {
      std::printf("{\"teraOperationsPerSecond\": %s}\n", peaks(threads).c_str());
    } else {
      std::printf("{\"error\": \"expected bandwidth or peaks\"}\n");
    }
    std::fflush(stdout);
  }
  return 0;
}
