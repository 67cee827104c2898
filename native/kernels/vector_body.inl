// The vector kernels of one instruction set. Included inside a namespace after lanes_*.inl.

static const float kLaneIndex[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

#include "vector_math.inl"
#include "vector_rows.inl"
#include "vector_attend.inl"
#if defined(TSUMUGI_DOT_PAIRS)
#include "vector_attend_pairs.inl"
#endif
#include "vector_attend_rounding.inl"

#define TSUMUGI_VECTOR_TABLE(rounds)  \
  {add<rounds>,                       \
   multiply<rounds>,                  \
   scale<rounds>,                     \
   activation<rounds>,                \
   gated_activation<rounds>,          \
   rms_norm<rounds>,                  \
   layer_norm<rounds>,                \
   rotate<rounds>,                    \
   rounds ? attend_rounding : attend, \
   rounds ? nullptr : attend_segment, \
   rounds ? nullptr : merge_segment,  \
   rounds ? nullptr : finish_tile,    \
   round_values}
