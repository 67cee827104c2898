// Which instruction set the kernels use: found once by cpuid, capped by the environment variable TSUMUGI_ISA.
#pragma once

#include <cstdint>
#include <string>

#if defined(__x86_64__) || defined(_M_X64)
#define TSUMUGI_X86 1
#else
#define TSUMUGI_X86 0
#endif

#if defined(__aarch64__)
#define TSUMUGI_ARM64 1
#else
#define TSUMUGI_ARM64 0
#endif

// Function attributes. A lambda or a std:: template inside such a function does not inherit the attribute:
// kernels call only functions that carry the same one.
#if TSUMUGI_X86
#define TSUMUGI_AVX2 __attribute__((target("avx2,fma,f16c")))
#define TSUMUGI_AVX512 __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")))
#define TSUMUGI_AMX __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,amx-tile,amx-bf16")))
#endif

namespace tsumugi {

// Ascending within a machine: every machine has scalar; x86 adds avx2 < avx512 < amx, arm64 adds neon.
enum class Isa : uint8_t { scalar, neon, avx2, avx512, amx };

struct CpuFeatures {
  bool neon = false;
  bool avx2 = false;         // with FMA and F16C
  bool avx512 = false;       // F, BW, VL and DQ
  bool avx512_vnni = false;  // vpdpbusd
  bool avx512_bf16 = false;  // vdpbf16ps, vcvtneps2bf16
  bool amx_bf16 = false;     // tiles allowed by the operating system, and TDPBF16PS
  bool amx_int8 = false;
};

// What processor and operating system allow. For amx_bf16 the permission for tile state has been asked for.
const CpuFeatures& cpu_features();

// The instruction set that kernels use by default: the best one available that TSUMUGI_ISA allows.
Isa active_isa();

// Empty, or what is wrong with the value of TSUMUGI_ISA (it is then ignored). The addon refuses to load with it.
const std::string& isa_error();

// Whether kernels of this set can run here.
bool isa_available(Isa isa);

const char* isa_name(Isa isa);

// False when the name is none of scalar, neon, avx2, avx512, amx.
bool parse_isa(const std::string& name, Isa& isa);

// Fetches a cache line that will be read soon.
inline void prefetch(const void* address) { __builtin_prefetch(address, 0, 3); }

// Tells the processor that this thread spins.
inline void cpu_relax() {
#if TSUMUGI_X86
  __builtin_ia32_pause();
#elif TSUMUGI_ARM64
  asm volatile("yield");
#endif
}

// Denormals count as zero in this thread from now on, as inputs and as results, so that every
// instruction set gives the same values (AMX always works so).
void flush_denormals_in_this_thread();

}  // namespace tsumugi
