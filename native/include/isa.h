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
#define TSUMUGI_AVX2_SETS "avx2,fma,f16c"
#define TSUMUGI_AVX512_SETS TSUMUGI_AVX2_SETS ",avx512f,avx512bw,avx512vl,avx512dq"
#define TSUMUGI_AVX2 __attribute__((target(TSUMUGI_AVX2_SETS)))
#define TSUMUGI_AVX_VNNI __attribute__((target(TSUMUGI_AVX2_SETS ",avxvnni")))
#define TSUMUGI_AVX512 __attribute__((target(TSUMUGI_AVX512_SETS)))
#define TSUMUGI_AVX512_VNNI __attribute__((target(TSUMUGI_AVX512_SETS ",avx512vnni")))
#define TSUMUGI_AVX512_BF16 __attribute__((target(TSUMUGI_AVX512_SETS ",avx512vnni,avx512bf16")))
#define TSUMUGI_AMX __attribute__((target(TSUMUGI_AVX512_SETS ",amx-tile,amx-bf16")))
#endif

namespace tsumugi {

// Levels, each with all that stands before it on its machine: every machine has scalar, arm64 the three of neon, x86 the rest.
//   neon_dot     sums of four products of bytes (SDOT)
//   neon_bf16    sums of two products of bfloat16 values (BFDOT), and matrices of bytes (SMMLA)
//   avx2         with FMA and F16C
//   avx_vnni     vpdpbusd in 256 bits
//   avx512       F, BW, VL and DQ
//   avx512_vnni  vpdpbusd in 512 bits; it need not have avx_vnni
//   avx512_bf16  vdpbf16ps
//   amx          TDPBF16PS; cpu_features().amx_int8 says whether there is TDPBUSD too
enum class Isa : uint8_t { scalar, neon, neon_dot, neon_bf16, avx2, avx_vnni, avx512, avx512_vnni, avx512_bf16, amx };

constexpr const char* kIsaNames[] = {"scalar",   "neon",   "neon_dot",    "neon_bf16",   "avx2",
                                     "avx_vnni", "avx512", "avx512_vnni", "avx512_bf16", "amx"};

constexpr bool has_avx512(Isa isa) { return isa >= Isa::avx512; }
constexpr bool has_avx2(Isa isa) { return isa >= Isa::avx2; }
constexpr bool has_neon(Isa isa) { return isa >= Isa::neon && isa <= Isa::neon_bf16; }

struct CpuFeatures {
  bool neon = false;
  bool neon_dot = false;
  bool neon_bf16 = false;  // BFDOT and SMMLA
  bool avx2 = false;
  bool avx_vnni = false;
  bool avx512 = false;
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx_bf16 = false;  // tiles allowed by the operating system, and TDPBF16PS
  bool amx_int8 = false;
  bool prefetches = false;  // software prefetch of weights pays: it does on Intel's processors, and costs on AMD's
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

// False when the name is none of kIsaNames.
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

// Denormals count as zero in this thread from now on, as inputs and as results: AMX and vdpbf16ps always work so, and
// nothing slows down when values fade.
void flush_denormals_in_this_thread();

// Denormals count as they are in this thread while it lives: for arithmetic that JavaScript does too.
class DenormalsKept {
 public:
  DenormalsKept();
  ~DenormalsKept();
  DenormalsKept(const DenormalsKept&) = delete;
  DenormalsKept& operator=(const DenormalsKept&) = delete;

 private:
  uint64_t before_;
};

}  // namespace tsumugi
