// The plan of a matmul in int8 arithmetic: rows of x become integers, blocks of outputs are shared out, tiles give exact sums.
#include <algorithm>
#include <array>
#include <cstring>

#include "int8_kernels.h"
#include "matmul_kernels.h"

namespace tsumugi {

namespace {

constexpr int64_t kStripDepth = 512;    // columns that stay in L1 while all rows of x pass them
constexpr int64_t kWholeGroups = 4;     // groups of rows up to which tiles go through all columns at once
constexpr ptrdiff_t kAheadBytes = 4096;

constexpr Int8Table looked_up(const float (&values)[16], float factor) {
  Int8Table table{true, {}, 128, 1.0f / factor};
  for (int code = 0; code < 16; ++code) {
    const float scaled = values[code] * factor;
    table.bytes[code] = static_cast<uint8_t>(128 + static_cast<int>(scaled + (scaled < 0 ? -0.5f : 0.5f)));
  }
  return table;
}

// Of NF4 each value is rounded to 1 / 127; of FP4 0.0052 is 1 / 120, all else exact; the others are integers already.
constexpr Int8Table kLinear{false, {}, 0, 1.0f};
constexpr Int8Table kInt8{false, {}, 128, 1.0f};
constexpr Int8Table kInt4{false, {}, 8, 1.0f};
constexpr Int8Table kNf4 = looked_up(kCodeNf4, 127.0f);
constexpr Int8Table kFp4 = looked_up(kCodeFp4, 120.0f);
constexpr Int8Table kFloat4 = looked_up(kCodeFloat4, 2.0f);
constexpr Int8Table kIq4nl = looked_up(kCodeIq4nl, 1.0f);

const Int8Table* table_of(CodeTable table) {
  switch (table) {
    case CodeTable::linear:
      return &kLinear;
    case CodeTable::int8:
      return &kInt8;
    case CodeTable::int4:
      return &kInt4;
    case CodeTable::nf4:
      return &kNf4;
    case CodeTable::fp4:
      return &kFp4;
    case CodeTable::float4:
      return &kFloat4;
    case CodeTable::iq4nl:
      return &kIq4nl;
    case CodeTable::float8:
      break;
  }
  return nullptr;
}

Int8Weights weights_of(const PackedMatrix& matrix) {
  if (matrix.storage == Storage::code8) return Int8Weights::bytes;
  return table_of(matrix.codes.table)->looks_up ? Int8Weights::looked_up : Int8Weights::halves;
}

// Rows of x, cut into groups of the most that a tile takes, and the rest.
struct Groups {
  int64_t rows, most, count;
  const int* padded;
  Groups(int64_t all, const Int8Kernels& kernels)
      : rows(all), most(kernels.most_rows), count((all + most - 1) / most), padded(kernels.padded) {}
  int64_t begin(int64_t group) const { return group * most; }
  int64_t real(int64_t group) const { return std::min(most, rows - group * most); }
  int64_t size(int64_t group) const { return padded[real(group)]; }
  int64_t all() const { return begin(count - 1) + size(count - 1); }  // padded
};

// Consecutive columns: whole units, or a part of one.
struct Part {
  int64_t begin, depth;
  int64_t unit, units;
  bool begins, ends;
};

struct Plan {
  const MatmulArguments& arguments;
  const Int8Kernels& kernels;
  const Groups& groups;
  CodeUnit unit;
  int64_t first_row;  // of x
  int64_t depth;      // padded columns
  int64_t strip;
  Int8Weights stored;
  bool expands;
  int64_t blocks;  // at a time
  uint8_t* inputs;
  uint8_t* expanded;
  float* sums;
  int32_t* partial;

  int64_t units() const { return depth / unit.columns; }
  // Bytes of the groups of x before a row.
  Int8Inputs group_inputs(int64_t group) const {
    const int64_t size = groups.size(group);
    uint8_t* words = inputs + static_cast<size_t>(groups.begin(group)) * row_bytes();
    uint8_t* starts = words + static_cast<size_t>(size * depth / 4 * kernels.word_bytes);
    const size_t step = static_cast<size_t>(units() * size) * sizeof(float);
    return {words, reinterpret_cast<int32_t*>(starts), reinterpret_cast<float*>(starts + step),
            reinterpret_cast<float*>(starts + 2 * step)};
  }
  size_t row_bytes() const {
    return static_cast<size_t>(depth / 4 * kernels.word_bytes) + static_cast<size_t>(units()) * 3 * sizeof(float);
  }
  Part next(int64_t column) const {
    const int64_t index = column / unit.columns, inside = column % unit.columns;
    if (unit.columns <= strip) {
      const int64_t count = std::min(strip / unit.columns, units() - index);
      return {column, count * unit.columns, index, count, true, true};
    }
    const int64_t length = std::min(strip, unit.columns - inside);
    return {column, length, index, 1, inside == 0, inside + length == unit.columns};
  }
};

void quantise_group(const Plan& plan, int64_t group) {
  const MatmulArguments& arguments = plan.arguments;
  const PackedMatrix& weight = *arguments.weight;
  Int8Quantise call{};
  call.x = arguments.x + (plan.first_row + plan.groups.begin(group)) * arguments.x_stride;
  call.stride = arguments.x_stride;
  call.rows = plan.groups.real(group);
  call.padded_rows = plan.groups.size(group);
  call.columns = weight.columns;
  call.depth = plan.depth;
  call.group = plan.unit.columns;
  const bool shifted = plan.expands || plan.stored != Int8Weights::halves;
  call.bias = table_of(weight.codes.table)->bias - (shifted ? plan.kernels.byte_shift : 0);
  call.scales_sums = weight.codes.offset == CodeOffset::minimum;
  call.out = plan.group_inputs(group);
  plan.kernels.quantise(call);
}

// What tiles read of `count` blocks: the packed codes, or the bytes that they are expanded to.
Int8Tile open_part(const Plan& plan, const Part& part, int64_t block, int64_t count) {
  static constexpr Int8Table kBytes{};  // of expanded weights, whose scales have the factor
  const PackedMatrix& weight = *plan.arguments.weight;
  const CodeUnit& unit = plan.unit;
  const int64_t inside = part.begin % unit.columns;
  const size_t skipped = static_cast<size_t>(inside * kBlockRows) / (weight.storage == Storage::code4 ? 2 : 1);
  Int8Tile tile{};
  tile.block_bytes = weight.block_bytes();
  tile.codes = weight.block(block, part.begin) + skipped;
  tile.unit_bytes = unit.bytes;
  tile.scales_at = unit.codes - skipped;
  tile.offsets_at = tile.scales_at + unit.scales;
  tile.scale = weight.codes.scale;
  tile.offset = weight.codes.offset;
  if (has_super_scales(weight.codes.scale)) {
    tile.supers = weight.block(block, 0) + static_cast<size_t>(weight.units()) * unit.bytes;
    tile.super_bytes = weight.super_bytes();
    tile.super = weight.codes.super;
    if (weight.codes.scale == CodeScale::mapped) tile.map = weight.scale_map();
  }
  tile.column = part.begin - inside;
  tile.group = unit.columns;
  tile.table = table_of(weight.codes.table);
  tile.units = part.units;
  tile.pairs = part.depth / part.units / 8;
  tile.begins = part.begins;
  tile.ends = part.ends;
  if (!plan.expands) return tile;
  const size_t shared = kBlockRows * sizeof(float);
  const size_t codes = static_cast<size_t>(tile.pairs) * 8 * kBlockRows;
  const size_t unit_bytes = codes + (part.ends ? shared * (tile.offset == CodeOffset::none ? 1 : 2) : 0);
  const size_t block_bytes = unit_bytes * static_cast<size_t>(part.units);
  for (int64_t i = 0; i < count; ++i) {
    plan.kernels.expand[static_cast<size_t>(plan.stored)](tile, plan.expanded + static_cast<size_t>(i) * block_bytes);
    tile.codes += tile.block_bytes;
    if (tile.supers != nullptr) tile.supers += tile.block_bytes;
  }
  tile.supers = nullptr;
  tile.map = nullptr;
  tile.codes = plan.expanded;
  tile.block_bytes = block_bytes;
  tile.unit_bytes = unit_bytes;
  tile.scales_at = codes;
  tile.offsets_at = codes + shared;
  tile.scale = CodeScale::float32;
  tile.table = &kBytes;
  return tile;
}

void multiply_part(const Plan& plan, const Part& part, int64_t block, int64_t count, int64_t first_block) {
  Int8Tile tile = open_part(plan, part, block, count);
  const auto& tiles = plan.kernels.tiles[static_cast<size_t>(plan.expands ? Int8Weights::bytes : plan.stored)];
  const int64_t place = (block - first_block) * plan.groups.all() * kBlockRows;
  tile.ahead = plan.groups.count == 1 && cpu_features().prefetches ? kAheadBytes / count : 0;
  for (int64_t group = 0; group < plan.groups.count; ++group) {
    const int64_t rows = plan.groups.size(group);
    Int8Inputs inputs = plan.group_inputs(group);
    inputs.words += static_cast<size_t>(part.begin / 4 * rows * plan.kernels.word_bytes);
    inputs.starts += part.unit * rows;
    inputs.sums += part.unit * rows;
    inputs.scales += part.unit * rows;
    tile.inputs = inputs;
    const Int8Kernels::Tiles& kernel = tiles[rows];
    const int64_t at = place + plan.groups.begin(group) * count * kBlockRows;
    tile.sums = plan.sums + at;
    tile.partial = plan.partial + at;
    if (count > 1 && count == kernel.blocks) {
      kernel.several(tile);
      continue;
    }
    Int8Tile one = tile;
    for (int64_t i = 0; i < count; ++i) {
      kernel.single(one);
      one.codes += one.block_bytes;
      if (one.supers != nullptr) one.supers += one.block_bytes;
      one.sums += rows * kBlockRows;
      one.partial += rows * kBlockRows;
    }
  }
}

void finish_blocks(const Plan& plan, int64_t block, int64_t count, int64_t first_block, FinishBlock finish) {
  const MatmulArguments& arguments = plan.arguments;
  const float* sums = plan.sums + (block - first_block) * plan.groups.all() * kBlockRows;
  for (int64_t group = 0; group < plan.groups.count; ++group) {
    const int64_t row = plan.first_row + plan.groups.begin(group), size = plan.groups.size(group);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t output = (block + i) * kBlockRows;
      finish(sums + (plan.groups.begin(group) * count + i * size) * kBlockRows, plan.groups.real(group),
             std::min(kBlockRows, arguments.weight->rows - output),
             arguments.bias == nullptr ? nullptr : arguments.bias + output,
             arguments.residual == nullptr ? nullptr : arguments.residual + row * arguments.residual_stride + output,
             arguments.residual_stride, arguments.y + row * arguments.y_stride + output, arguments.y_stride);
    }
  }
}

void multiply_blocks(const Plan& plan, int64_t first_block, int64_t end_block, FinishBlock finish) {
  const size_t values = static_cast<size_t>((end_block - first_block) * plan.groups.all() * kBlockRows);
  std::memset(plan.sums, 0, values * sizeof(float));
  for (int64_t column = 0; column < plan.depth;) {
    const Part part = plan.next(column);
    for (int64_t block = first_block; block < end_block;) {
      const int64_t count = end_block - block >= plan.blocks ? plan.blocks : 1;
      multiply_part(plan, part, block, count, first_block);
      block += count;
    }
    column += part.depth;
  }
  for (int64_t block = first_block; block < end_block;) {
    const int64_t count = end_block - block >= plan.blocks ? plan.blocks : 1;
    finish_blocks(plan, block, count, first_block, finish);
    block += count;
  }
}

}  // namespace

const Int8Kernels& int8_kernels(Isa isa) {
#if TSUMUGI_X86
  if (has_avx512(isa)) return isa >= Isa::avx512_vnni ? int8_kernels_avx512_vnni() : int8_kernels_avx512();
  if (has_avx2(isa)) return isa >= Isa::avx_vnni ? int8_kernels_avx_vnni() : int8_kernels_avx2();
#endif
#if TSUMUGI_ARM64
  if (has_neon(isa)) return isa >= Isa::neon_dot ? int8_kernels_neon_dot() : int8_kernels_neon();
#endif
  return int8_kernels_scalar();
}

bool takes_int8(const PackedMatrix& matrix) {
  if (is_plain(matrix.storage)) return false;
  const Int8Table* table = table_of(matrix.codes.table);
  if (table == nullptr || (matrix.storage == Storage::code8 && table->looks_up)) return false;
  if (table->factor != 1.0f && matrix.codes.offset == CodeOffset::zero) return false;
  return matrix.unit().columns <= kInt8MostDepth;
}

void matmul_int8(Worker& worker, const MatmulArguments& arguments) {
  const PackedMatrix& weight = *arguments.weight;
  const Int8Kernels& kernels = int8_kernels(arguments.isa);
  const FinishBlock finish = finish_of(tile_kernels(arguments.isa, Storage::float32, Arithmetic::float32), arguments);
  const int64_t depth = weight.padded_columns();
  const MatmulWorkspace workspace = cut_workspace(arguments, depth, worker.index);
  const Int8Weights stored = weights_of(weight);
  for (int64_t first = 0; first < arguments.rows; first += kSlabRows) {
    const Groups groups(std::min(kSlabRows, arguments.rows - first), kernels);
    const bool whole = groups.count <= kWholeGroups;
    const int64_t strip = whole ? depth : kStripDepth;
    const bool expands = stored != Int8Weights::bytes && !whole;
    const bool own = groups.rows <= kOwnInputRows;
    const CodeUnit unit = code_unit(weight.storage, weight.codes, weight.columns);
    const bool splits = unit.columns > strip;  // then sums of both kinds are kept
    const bool streams = groups.size(0) == 1 && !cpu_features().prefetches;
    const int64_t several = streams ? 1 : kernels.tiles[static_cast<size_t>(stored)][groups.size(0)].blocks;
    const Plan plan{arguments,
                    kernels,
                    groups,
                    unit,
                    first,
                    depth,
                    strip,
                    stored,
                    expands,
                    several,
                    own ? reinterpret_cast<uint8_t*>(workspace.own_inputs) : workspace.shared_inputs,
                    workspace.expanded,
                    workspace.sums,
                    reinterpret_cast<int32_t*>(workspace.sums + kSumBlocks / 2 * kSlabRows * kBlockRows)};
    if (own) {
      for (int64_t group = 0; group < groups.count; ++group) quantise_group(plan, group);
    } else {
      worker.parallel_for(groups.count, [&](int64_t group) { quantise_group(plan, group); });
    }
    const int64_t blocks = weight.blocks();
    int64_t step = blocks_per_chunk(weight, groups.count == 1, several, worker.count);
    if (splits) step = std::min(step, kSumBlocks / 2);
    worker.parallel_for((blocks + step - 1) / step, [&](int64_t chunk) {
      multiply_blocks(plan, chunk * step, std::min(blocks, (chunk + 1) * step), finish);
    });
  }
}

}  // namespace tsumugi
