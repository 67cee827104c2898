// Plain numbers in 4 bits as bitsandbytes makes them: blocks of 64 over the flattened matrix, each scaled to ±1, then the
// nearest of 16 values. src/tensor/quantisers/bitsandbytes4.ts is the reference.
#include <algorithm>
#include <array>
#include <cmath>

#include "bitsandbytes.h"
#include "quantiser.h"

namespace tsumugi {

namespace {

constexpr int64_t kBlock = 64;
constexpr int64_t kNestedBlock = 256;

constexpr float kFp4Borders[7] = {0.00260417f, 0.0859375f, 0.20833333f, 0.29166667f, 0.4166667f, 0.583333f, 0.8333333f};
constexpr uint8_t kFp4Order[8] = {0, 1, 6, 7, 4, 5, 2, 3};

constexpr std::array<float, 15> nf4_borders() {
  std::array<float, 15> out{};
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>((static_cast<double>(kCodeNf4[i]) + static_cast<double>(kCodeNf4[i + 1])) / 2);
  return out;
}

constexpr std::array<float, 15> kNf4Borders = nf4_borders();

// codes[i]: how many borders lie below values[i]; of NaN none. Border by border, so that values are compared side by side.
template <size_t count>
void count_below(const float* values, const float* borders, int32_t* codes) {
  std::fill(codes, codes + kBlock, 0);
  for (size_t border = 0; border < count; ++border) {
    for (int64_t i = 0; i < kBlock; ++i) codes[i] += values[i] > borders[border] ? 1 : 0;
  }
}

// Codes of up to a block of values, which are scaled by `inverse`.
void block_codes(const float* values, int64_t count, float inverse, CodeTable table, uint8_t* out) {
  float scaled[kBlock] = {};
  float sizes[kBlock];
  int32_t codes[kBlock];
  for (int64_t i = 0; i < count; ++i) scaled[i] = values[i] * inverse;
  if (table == CodeTable::nf4) {
    count_below<15>(scaled, kNf4Borders.data(), codes);
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(codes[i]);
    return;
  }
  for (int64_t i = 0; i < kBlock; ++i) sizes[i] = std::fabs(scaled[i]);
  count_below<7>(sizes, kFp4Borders, codes);
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t code = kFp4Order[codes[i]];
    out[i] = scaled[i] < 0 ? code | 8 : code;
  }
}

// The values in the type that the weights have.
std::vector<float> rounded(const QuantiserRows& rows, const std::string& type) {
  std::vector<float> values(rows.values, rows.values + rows.rows * rows.columns);
  if (type == "bfloat16") {
    for (float& value : values) value = round_to_bfloat16(value);
  } else if (type == "float16") {
    for (float& value : values) value = float16_to_float(float_to_float16(value));
  }
  return values;
}

// Maxima of the blocks of values that begin with a block.
std::vector<float> block_maxima(const std::vector<float>& values) {
  constexpr size_t kLanes = 16;
  constexpr auto kWhole = static_cast<size_t>(kBlock);
  std::vector<float> maxima((values.size() + kWhole - 1) / kWhole);
  for (size_t block = 0; block < maxima.size(); ++block) {
    const size_t first = block * kWhole, last = std::min(first + kWhole, values.size());
    float most[kLanes] = {};
    for (size_t at = first; at < last; at += kLanes) {
      for (size_t i = 0; i < std::min(kLanes, last - at); ++i) most[i] = std::max(most[i], std::fabs(values[at + i]));
    }
    maxima[block] = *std::max_element(most, most + kLanes);
  }
  return maxima;
}

// bitsandbytes' signed dynamic map of 8 bits, in ascending order.
std::array<float, 256> dynamic_map() {
  std::array<float, 256> out{};
  size_t at = 0;
  out[at++] = 0.0f;
  out[at++] = 1.0f;
  for (int power = 0; power < 7; ++power) {
    const int parts = 1 << power;
    const float start = 0.1f, step = (1.0f - start) / static_cast<float>(parts);
    // edges are counted from the nearer end, with one rounding each
    const auto edge = [&](int i) {
      return i < (parts + 1) / 2 ? std::fma(step, static_cast<float>(i), start)
                                 : std::fma(-step, static_cast<float>(parts - i), 1.0f);
    };
    const auto scale = static_cast<float>(std::pow(10.0, power - 6));
    for (int i = 0; i < parts; ++i) {
      const float middle = (edge(i) + edge(i + 1)) / 2.0f;
      out[at++] = middle * scale;
      out[at++] = -(middle * scale);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Double quantisation: the mean of all maxima is taken off, and the rest goes to the nearest of the map, in blocks of 256.
class NestedScales : public QuantiserSurvey {
 public:
  explicit NestedScales(std::string type) : type_(std::move(type)) {}

  void see(const QuantiserRows& rows) override {
    const std::vector<float> maxima = block_maxima(rounded(rows, type_));
    scales_.insert(scales_.end(), maxima.begin(), maxima.end());
    if (rows.first + rows.rows == rows.all_rows) quantise();
  }

  float scale(int64_t block) const { return scales_[static_cast<size_t>(block)]; }
  uint8_t code_of(int64_t block) const { return codes_[static_cast<size_t>(block)]; }
  float maximum(int64_t block) const { return maxima_[static_cast<size_t>(block / kNestedBlock)]; }
  float offset() const { return offset_; }
  static const std::array<float, 256>& map() {
    static const std::array<float, 256> values = dynamic_map();
    return values;
  }

 private:
  void quantise() {
    double sum = 0;
    for (const float most : scales_) sum += static_cast<double>(most);
    offset_ = static_cast<float>(sum / static_cast<double>(scales_.size()));
    for (size_t first = 0; first < scales_.size(); first += kNestedBlock) {
      const size_t last = std::min(first + kNestedBlock, scales_.size());
      float most = 0;
      for (size_t i = first; i < last; ++i) most = std::max(most, std::fabs(scales_[i] - offset_));
      for (size_t i = first; i < last; ++i) {
        codes_.push_back(static_cast<uint8_t>(code(map(), (scales_[i] - offset_) * (1.0f / most))));
        const float scaled = map()[codes_.back()] * most;
        scales_[i] = scaled + offset_;
      }
      maxima_.push_back(most);
    }
  }

  // The lower of two that are equally near.
  static size_t code(const std::array<float, 256>& map, float scaled) {
    size_t low = 0, high = 255;
    while (low < high) {
      const size_t at = (low + high) / 2;
      if (scaled > (map[at] + map[at + 1]) / 2.0f) {
        low = at + 1;
      } else {
        high = at;
      }
    }
    return low;
  }

  std::string type_;
  std::vector<float> scales_;  // maxima, then what their codes stand for
  std::vector<uint8_t> codes_;
  std::vector<float> maxima_;  // of what is left of the scales, a nested block each
  float offset_ = 0;
};

CodedRows make_codes(const QuantiserRows& rows, const QuantiserSurvey* survey) {
  const std::string& from = rows.parameters->text("from");
  CodedRows coded;
  coded.table = four_bit_table(rows.parameters->text("type"));
  coded.rows = rows.rows;
  coded.columns = rows.columns;
  coded.group = common_group(rows.columns, kBlock);
  const std::vector<float> values = rounded(rows, from);
  const std::vector<float> maxima = block_maxima(values);
  const int64_t count = rows.rows * rows.columns, first_block = rows.first_value() / kBlock;
  coded.codes.resize(static_cast<size_t>(count));
  for (int64_t block = 0; block * kBlock < count; ++block) {
    const float inverse = 1.0f / maxima[static_cast<size_t>(block)];
    const int64_t first = block * kBlock;
    block_codes(values.data() + first, std::min(kBlock, count - first), inverse, coded.table, coded.codes.data() + first);
  }
  const auto* nested = static_cast<const NestedScales*>(survey);
  coded.super = nested == nullptr ? 0 : nested_columns(rows.columns, kBlock, kNestedBlock);
  if (coded.super > 0) {
    for (int64_t i = first_block; i < first_block + count / kBlock; ++i) coded.scale_codes.push_back(nested->code_of(i));
    for (int64_t i = first_block; i < first_block + count / kBlock; i += coded.super / kBlock) {
      coded.super_scales.push_back(nested->maximum(i));
    }
    coded.super_offsets.assign(coded.super_scales.size(), nested->offset());
    coded.scale_map.assign(NestedScales::map().begin(), NestedScales::map().end());
    join_scales(coded);
    return coded;
  }
  coded.scales.resize(static_cast<size_t>(count / coded.group));
  for (size_t i = 0; i < coded.scales.size(); ++i) {
    const int64_t block = static_cast<int64_t>(i) * coded.group / kBlock;
    coded.scales[i] = nested == nullptr ? maxima[static_cast<size_t>(block)] : nested->scale(first_block + block);
  }
  return coded;
}

std::unique_ptr<QuantiserSurvey> make_survey(const OpAttributes& parameters, int64_t, int64_t) {
  if (!parameters.flag("double")) return nullptr;
  return std::make_unique<NestedScales>(parameters.text("from"));
}

const RegisterQuantiser quantiser({.name = "bitsandbytes4", .quantise = make_codes, .survey = make_survey});

}  // namespace

}  // namespace tsumugi
