#include "isa.h"

#include <cstdlib>

#if TSUMUGI_X86
#include <cpuid.h>
#include "x86_intrinsics.h"
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tsumugi {

namespace {

#if TSUMUGI_X86
uint64_t enabled_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

// Linux gives a process tile registers only when it asks.
bool request_tile_state() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

CpuFeatures detect() {
  CpuFeatures features;
#if TSUMUGI_X86
  uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return features;
  const bool fma = ecx >> 12 & 1, osxsave = ecx >> 27 & 1, avx = ecx >> 28 & 1, f16c = ecx >> 29 & 1;
  if (!osxsave || !avx) return features;
  const uint64_t state = enabled_state();
  const bool ymm = (state & 0x6) == 0x6, zmm = (state & 0xe6) == 0xe6, tiles = (state & 0x60000) == 0x60000;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return features;
  const uint32_t subleaves = eax;
  features.avx2 = ymm && fma && f16c && (ebx >> 5 & 1);
  features.avx512 = features.avx2 && zmm && (ebx >> 16 & 1) && (ebx >> 17 & 1) && (ebx >> 30 & 1) && (ebx >> 31 & 1);
  features.avx512_vnni = features.avx512 && (ecx >> 11 & 1);
  const bool amx_tile = features.avx512 && tiles && (edx >> 24 & 1) && request_tile_state();
  features.amx_bf16 = amx_tile && (edx >> 22 & 1);
  features.amx_int8 = amx_tile && (edx >> 25 & 1);
#if defined(TSUMUGI_EMULATE_AMX)
  features.amx_bf16 = features.avx512;
#endif
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
    features.avx512_bf16 = features.avx512 && (eax >> 5 & 1);
  }
#elif TSUMUGI_ARM64
  features.neon = true;
#endif
  return features;
}

struct Choice {
  Isa isa = Isa::scalar;
  std::string error;
};

Choice choose() {
  Choice choice;
  Isa cap = Isa::amx;
  const char* wanted = std::getenv("TSUMUGI_ISA");
  if (wanted != nullptr && *wanted != '\0' && !parse_isa(wanted, cap)) {
    choice.error =
        std::string("TSUMUGI_ISA: unknown instruction set \"") + wanted + "\", expected one of scalar, neon, avx2, avx512, amx";
  }
  for (Isa isa : {Isa::amx, Isa::avx512, Isa::avx2, Isa::neon, Isa::scalar}) {
    if (isa > cap || !isa_available(isa)) continue;
    choice.isa = isa;
    break;
  }
  return choice;
}

const Choice& choice() {
  static const Choice chosen = choose();
  return chosen;
}

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect();
  return features;
}

Isa active_isa() { return choice().isa; }

const std::string& isa_error() { return choice().error; }

bool isa_available(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::neon:
      return cpu_features().neon;
    case Isa::avx2:
      return cpu_features().avx2;
    case Isa::avx512:
      return cpu_features().avx512;
    case Isa::amx:
      return cpu_features().amx_bf16;
  }
  return false;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::neon:
      return "neon";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::amx:
      return "amx";
  }
  return "unknown";
}

bool parse_isa(const std::string& name, Isa& isa) {
  for (Isa candidate : {Isa::scalar, Isa::neon, Isa::avx2, Isa::avx512, Isa::amx}) {
    if (name != isa_name(candidate)) continue;
    isa = candidate;
    return true;
  }
  return false;
}

void flush_denormals_in_this_thread() {
#if TSUMUGI_X86
  _mm_setcsr(_mm_getcsr() | 0x8040u);  // flush-to-zero, denormals-are-zero
#elif TSUMUGI_ARM64
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" ::"r"(control | (uint64_t{1} << 24)));
#endif
}

}  // namespace tsumugi
