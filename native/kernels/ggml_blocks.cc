// The layouts of ggml's blocks. All numbers are little-endian, as the machines are that this is built for.
#include "ggml_blocks.h"

#include <cstring>
#include <stdexcept>

namespace tsumugi {

namespace {

float half_at(const uint8_t* at) { return load_value(DType::float16, at, 0); }

// Low halves of 16 bytes are the first 16 codes, and high halves the others.
void nibbles(const uint8_t* from, uint8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    codes[i] = from[i] & 15;
    codes[16 + i] = from[i] >> 4;
  }
}

// The same with a fifth bit for each of the 32.
void nibbles_and_bits(const uint8_t* from, const uint8_t* high, uint8_t* codes, int shift) {
  uint32_t bits;
  std::memcpy(&bits, high, sizeof(bits));
  nibbles(from, codes);
  for (int i = 0; i < 32; ++i) codes[i] = static_cast<uint8_t>((codes[i] | (((bits >> i) & 1) << 4)) + shift);
}

void read_q4_0(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block);
  nibbles(block + 2, to.codes);
}

void read_q4_1(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block);
  to.offsets[0] = half_at(block + 2);
  nibbles(block + 4, to.codes);
}

void read_q5_0(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block);
  nibbles_and_bits(block + 6, block + 2, to.codes, 128 - 16);
}

void read_q5_1(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block);
  to.offsets[0] = half_at(block + 2);
  nibbles_and_bits(block + 8, block + 4, to.codes, 0);
}

void read_q8_0(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block);
  for (int i = 0; i < 32; ++i) to.codes[i] = block[2 + i] ^ 128;
}

// Four codes of 2 bits a byte: 32 bytes hold 32 codes in their lowest bits, the next 32 above them, and so on.
void quarters(const uint8_t* from, uint8_t* codes) {
  for (int part = 0; part < 2; ++part, from += 32) {
    for (int shift = 0; shift < 8; shift += 2) {
      for (int i = 0; i < 32; ++i) *codes++ = (from[i] >> shift) & 3;
    }
  }
}

void read_q2_k(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block + 80);
  to.offsets[0] = -half_at(block + 82);
  for (int group = 0; group < 16; ++group) {
    to.scale_codes[group] = block[group] & 15;
    to.offset_codes[group] = block[group] >> 4;
  }
  quarters(block + 16, to.codes);
}

void read_q3_k(const uint8_t* block, GgmlTarget to) {
  const uint8_t* packed = block + 96;
  to.scales[0] = half_at(block + 108);
  for (int group = 0; group < 16; ++group) {
    const int low = (packed[group & 7] >> (group < 8 ? 0 : 4)) & 15;
    const int high = (packed[8 + (group & 3)] >> (2 * (group >> 2))) & 3;
    to.scale_codes[group] = static_cast<uint8_t>((low | (high << 4)) - 32);
  }
  quarters(block + 32, to.codes);
  for (int i = 0; i < 256; ++i) to.codes[i] += ((block[i & 31] >> (i >> 5)) & 1) != 0 ? 8 : 4;
}

// 6 bits each: scale and minimum of the 8 groups of Q4_K and Q5_K.
void scaled_groups(const uint8_t* block, GgmlTarget to) {
  const uint8_t* packed = block + 4;
  to.scales[0] = half_at(block);
  to.offsets[0] = -half_at(block + 2);
  for (int group = 0; group < 8; ++group) {
    int scale = packed[group & 3] & 63, minimum = packed[4 + (group & 3)] & 63;
    if (group >= 4) {
      const int low = packed[group + 4];
      scale = (low & 15) | ((packed[group - 4] >> 6) << 4);
      minimum = (low >> 4) | ((packed[group] >> 6) << 4);
    }
    to.scale_codes[group] = static_cast<uint8_t>(scale);
    to.offset_codes[group] = static_cast<uint8_t>(minimum);
  }
}

// 32 bytes hold 32 codes in their low halves, then 32 in the high ones.
void halves(const uint8_t* from, uint8_t* codes) {
  for (int part = 0; part < 4; ++part, from += 32) {
    for (int i = 0; i < 32; ++i) *codes++ = from[i] & 15;
    for (int i = 0; i < 32; ++i) *codes++ = from[i] >> 4;
  }
}

void read_q4_k(const uint8_t* block, GgmlTarget to) {
  scaled_groups(block, to);
  halves(block + 16, to.codes);
}

void read_q5_k(const uint8_t* block, GgmlTarget to) {
  scaled_groups(block, to);
  halves(block + 48, to.codes);
  for (int i = 0; i < 256; ++i) to.codes[i] |= static_cast<uint8_t>(((block[16 + (i & 31)] >> (i >> 5)) & 1) << 4);
}

void read_q6_k(const uint8_t* block, GgmlTarget to) {
  to.scales[0] = half_at(block + 208);
  std::memcpy(to.scale_codes, block + 192, 16);
  for (int i = 0; i < 256; ++i) {
    const int part = i >> 7, run = (i >> 5) & 3;
    const int low = (block[part * 64 + (run & 1) * 32 + (i & 31)] >> (run < 2 ? 0 : 4)) & 15;
    const int high = (block[128 + part * 32 + (i & 31)] >> (2 * run)) & 3;
    to.codes[i] = static_cast<uint8_t>((low | (high << 4)) - 32 + 128);
  }
}

void read_iq4_xs(const uint8_t* block, GgmlTarget to) {
  const int high = block[2] | (block[3] << 8);
  to.scales[0] = half_at(block);
  for (int group = 0; group < 8; ++group) {
    const int low = (block[4 + (group >> 1)] >> (4 * (group & 1))) & 15;
    to.scale_codes[group] = static_cast<uint8_t>((low | (((high >> (2 * group)) & 3) << 4)) - 32);
    nibbles(block + 8 + 16 * group, to.codes + 32 * group);
  }
}

void read_mxfp4(const uint8_t* block, GgmlTarget to) {
  // 2^-127 has no exponent of its own
  to.scales[0] = float_from_bits(block[0] == 0 ? 0x00400000u : static_cast<uint32_t>(block[0]) << 23);
  nibbles(block + 1, to.codes);
}

constexpr CodeOffset kNone = CodeOffset::none, kMinimum = CodeOffset::minimum;

constexpr GgmlBlock plain_block(const char* name, DType type, int64_t bytes) {
  return {name, 1, bytes, 0, false, CodeTable::linear, kNone, nullptr, type};
}

constexpr GgmlBlock kBlocks[] = {
    plain_block("F32", DType::float32, 4),
    plain_block("F16", DType::float16, 2),
    plain_block("BF16", DType::bfloat16, 2),
    {"Q4_0", 32, 18, 32, false, CodeTable::int4, kNone, read_q4_0, DType::float32},
    {"Q4_1", 32, 20, 32, false, CodeTable::linear, kMinimum, read_q4_1, DType::float32},
    {"Q5_0", 32, 22, 32, false, CodeTable::int8, kNone, read_q5_0, DType::float32},
    {"Q5_1", 32, 24, 32, false, CodeTable::linear, kMinimum, read_q5_1, DType::float32},
    {"Q8_0", 32, 34, 32, false, CodeTable::int8, kNone, read_q8_0, DType::float32},
    {"Q2_K", 256, 84, 16, true, CodeTable::linear, kMinimum, read_q2_k, DType::float32},
    {"Q3_K", 256, 110, 16, true, CodeTable::int4, kNone, read_q3_k, DType::float32},
    {"Q4_K", 256, 144, 32, true, CodeTable::linear, kMinimum, read_q4_k, DType::float32},
    {"Q5_K", 256, 176, 32, true, CodeTable::linear, kMinimum, read_q5_k, DType::float32},
    {"Q6_K", 256, 210, 16, true, CodeTable::int8, kNone, read_q6_k, DType::float32},
    {"IQ4_NL", 32, 18, 32, false, CodeTable::iq4nl, kNone, read_q4_0, DType::float32},
    {"IQ4_XS", 256, 136, 32, true, CodeTable::iq4nl, kNone, read_iq4_xs, DType::float32},
    {"MXFP4", 32, 17, 32, false, CodeTable::float4, kNone, read_mxfp4, DType::float32},
};

}  // namespace

const GgmlBlock& ggml_block(const std::string& name) {
  for (const GgmlBlock& block : kBlocks) {
    if (name == block.name) return block;
  }
  throw std::invalid_argument("[load] type: expected a type of GGUF files that is read, given " + name);
}

}  // namespace tsumugi
