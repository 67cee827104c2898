#include "isa.h"

#include <cstdlib>
#include <iterator>

#if TSUMUGI_X86
#include <cpuid.h>
#include "x86_intrinsics.h"
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if TSUMUGI_ARM64 && defined(__linux__)
#include <sys/auxv.h>
#elif TSUMUGI_ARM64 && defined(__APPLE__)
#include <sys/sysctl.h>
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

bool is_intel() {
  uint32_t eax, ebx, ecx, edx;
  return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}
#endif

#if TSUMUGI_ARM64 && defined(__APPLE__)
bool has_feature(const char* name) {
  int value = 0;
  size_t bytes = sizeof value;
  return sysctlbyname(name, &value, &bytes, nullptr, 0) == 0 && value != 0;
}
#endif

CpuFeatures detect() {
  CpuFeatures features;
#if TSUMUGI_X86
  uint32_t eax, ebx, ecx, edx;
  features.prefetches = is_intel();
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
    features.avx_vnni = features.avx2 && (eax >> 4 & 1);
    features.avx512_bf16 = features.avx512_vnni && (eax >> 5 & 1);
  }
#elif TSUMUGI_ARM64
  features.neon = true;
#if defined(__linux__)
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  features.neon_dot = first >> 20 & 1;
  features.neon_bf16 = features.neon_dot && (second >> 13 & 1) && (second >> 14 & 1);
#elif defined(__APPLE__)
  features.neon_dot = has_feature("hw.optional.arm.FEAT_DotProd");
  features.neon_bf16 =
      features.neon_dot && has_feature("hw.optional.arm.FEAT_I8MM") && has_feature("hw.optional.arm.FEAT_BF16");
#endif
#endif
  return features;
}

struct Choice {
  Isa isa = Isa::scalar;
  std::string error;
};

constexpr int kIsaCount = static_cast<int>(std::size(kIsaNames));

Choice choose() {
  Choice choice;
  Isa cap = Isa::amx;
  const char* wanted = std::getenv("TSUMUGI_ISA");
  if (wanted != nullptr && *wanted != '\0' && !parse_isa(wanted, cap)) {
    choice.error = std::string("TSUMUGI_ISA: unknown instruction set \"") + wanted + "\", expected one of ";
    for (int i = 0; i < kIsaCount; ++i) choice.error += std::string(i > 0 ? ", " : "") + kIsaNames[i];
  }
  for (int level = static_cast<int>(cap); level >= 0; --level) {
    if (!isa_available(static_cast<Isa>(level))) continue;
    choice.isa = static_cast<Isa>(level);
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
  const CpuFeatures& features = cpu_features();
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::neon:
      return features.neon;
    case Isa::neon_dot:
      return features.neon_dot;
    case Isa::neon_bf16:
      return features.neon_bf16;
    case Isa::avx2:
      return features.avx2;
    case Isa::avx_vnni:
      return features.avx_vnni;
    case Isa::avx512:
      return features.avx512;
    case Isa::avx512_vnni:
      return features.avx512_vnni;
    case Isa::avx512_bf16:
      return features.avx512_bf16;
    case Isa::amx:
      return features.amx_bf16;
  }
  return false;
}

const char* isa_name(Isa isa) { return kIsaNames[static_cast<int>(isa)]; }

bool parse_isa(const std::string& name, Isa& isa) {
  for (int level = 0; level < kIsaCount; ++level) {
    if (name != kIsaNames[level]) continue;
    isa = static_cast<Isa>(level);
    return true;
  }
  return false;
}

namespace {

// The word that says, among other things, how this thread's arithmetic treats denormals.
#if TSUMUGI_X86
constexpr uint64_t kFlush = 0x8040;  // flush-to-zero, denormals-are-zero
uint64_t float_control() { return _mm_getcsr(); }
void set_float_control(uint64_t control) { _mm_setcsr(static_cast<uint32_t>(control)); }
#elif TSUMUGI_ARM64
constexpr uint64_t kFlush = uint64_t{1} << 24;
uint64_t float_control() {
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
void set_float_control(uint64_t control) { asm volatile("msr fpcr, %0" ::"r"(control)); }
#else
constexpr uint64_t kFlush = 0;
uint64_t float_control() { return 0; }
void set_float_control(uint64_t) {}
#endif

}  // namespace

void flush_denormals_in_this_thread() { set_float_control(float_control() | kFlush); }

DenormalsKept::DenormalsKept() : before_(float_control()) { set_float_control(before_ & ~kFlush); }

DenormalsKept::~DenormalsKept() { set_float_control((float_control() & ~kFlush) | (before_ & kFlush)); }

}  // namespace tsumugi
