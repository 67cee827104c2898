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

CodedRows cut_rows(const CodedRows& coded, int64_t first, int64_t last) {
  CodedRows part = coded;
  part.rows = last - first;
  const int64_t columns = coded.columns, groups = coded.groups();
  part.codes.assign(coded.codes.begin() + first * columns, coded.codes.begin() + last * columns);
  part.scales.assign(coded.scales.begin() + first * groups, coded.scales.begin() + last * groups);
  if (!coded.offsets.empty())
    part.offsets.assign(coded.offsets.begin() + first * groups, coded.offsets.begin() + last * groups);
  return part;
}

}  // namespace tsumugi
