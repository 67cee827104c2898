// The registries of readers and quantisers, which they enter before main, and the values of codes.
#include "stored.h"

#include <deque>
#include <stdexcept>

#include "quantiser.h"

namespace tsumugi {

static std::deque<StoredReader>& readers() {
  static std::deque<StoredReader> all;
  return all;
}

static std::deque<Quantiser>& quantisers() {
  static std::deque<Quantiser> all;
  return all;
}

RegisterReader::RegisterReader(const StoredReader& reader) { readers().push_back(reader); }
RegisterQuantiser::RegisterQuantiser(const Quantiser& quantiser) { quantisers().push_back(quantiser); }

const StoredReader& find_reader(const std::string& kind) {
  for (const StoredReader& reader : readers()) {
    if (reader.kind == kind) return reader;
  }
  throw std::invalid_argument("[load] storage: expected a kind that has a reader, given " + kind);
}

const Quantiser& find_quantiser(const std::string& name) {
  for (const Quantiser& quantiser : quantisers()) {
    if (quantiser.name == name) return quantiser;
  }
  throw std::invalid_argument("[load] quantiser: expected one that is built, given " + name);
}

const float* code_values(CodeTable table) {
  static constexpr CodeValues kTables[] = {code_table_values(CodeTable::linear), code_table_values(CodeTable::int8),
                                           code_table_values(CodeTable::float8), code_table_values(CodeTable::float4),
                                           code_table_values(CodeTable::nf4),    code_table_values(CodeTable::fp4),
                                           code_table_values(CodeTable::iq4nl),  code_table_values(CodeTable::int4)};
  return kTables[static_cast<size_t>(table)].values;
}

void decode_codes(const CodedRows& coded, float* out) {
  const float* values = code_values(coded.table);
  const int64_t groups = coded.groups();
  for (int64_t row = 0; row < coded.rows; ++row) {
    const uint8_t* codes = coded.codes.data() + row * coded.columns;
    const float* scales = coded.scales.data() + row * groups;
    const float* offsets = coded.offset == CodeOffset::none ? nullptr : coded.offsets.data() + row * groups;
    float* to = out + row * coded.columns;
    for (int64_t column = 0; column < coded.columns; ++column) {
      const int64_t group = column / coded.group;
      const int64_t place = coded.order.empty() ? column : coded.order[static_cast<size_t>(column)];
      const float shift = offsets == nullptr ? 0.0f : offsets[group];
      to[place] = decode_code(values[codes[column]], scales[group], shift, coded.offset);
    }
  }
}

void join_scales(CodedRows& coded) {
  const int64_t groups = coded.groups(), supers = coded.supers();
  const bool mapped = !coded.scale_map.empty();
  coded.scales.resize(coded.scale_codes.size());
  coded.offsets.resize(mapped ? 0 : coded.offset_codes.size());
  for (int64_t row = 0; row < coded.rows; ++row) {
    for (int64_t group = 0; group < groups; ++group) {
      const auto at = static_cast<size_t>(row * groups + group);
      const auto super = static_cast<size_t>(row * supers + group * coded.group / coded.super);
      const uint8_t code = coded.scale_codes[at];
      if (mapped) {
        const float scaled = coded.scale_map[code] * coded.super_scales[super];
        coded.scales[at] = scaled + coded.super_offsets[super];
        continue;
      }
      coded.scales[at] = coded.super_scales[super] * static_cast<float>(static_cast<int8_t>(code));
      if (!coded.offset_codes.empty()) {
        coded.offsets[at] = coded.super_offsets[super] * static_cast<float>(static_cast<int8_t>(coded.offset_codes[at]));
      }
    }
  }
}

template <typename Value>
static void cut(std::vector<Value>& all, int64_t width, int64_t first, int64_t last) {
  if (all.empty()) return;
  all.erase(all.begin() + last * width, all.end());
  all.erase(all.begin(), all.begin() + first * width);
}

CodedRows cut_rows(CodedRows coded, int64_t first, int64_t last) {
  const int64_t groups = coded.groups(), supers = coded.supers();
  cut(coded.codes, coded.columns, first, last);
  for (auto* scales : {&coded.scales, &coded.offsets}) cut(*scales, groups, first, last);
  for (auto* codes : {&coded.scale_codes, &coded.offset_codes}) cut(*codes, groups, first, last);
  for (auto* scales : {&coded.super_scales, &coded.super_offsets}) cut(*scales, supers, first, last);
  coded.rows = last - first;
  return coded;
}

}  // namespace tsumugi
