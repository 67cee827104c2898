// immintrin.h, without GCC 12's false alarm: its AVX-512 intrinsics read an undefined register on purpose,
// and -Wmaybe-uninitialized complains wherever they are inlined.
#pragma once

#include "isa.h"

#if TSUMUGI_X86
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif
