// Reads what src/backends/cpu/encode-groups.ts has written, in the same order. Nothing is trusted that memory depends on.
#include <stdexcept>
#include <string>

#include "sample.h"

namespace tsumugi {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("[sample] " + what); }

class Reader {
 public:
  explicit Reader(const SampleRequest& request) : request_(request) {}

  int32_t word() { return *words(1); }
  double number() {
    if (number_ == request_.numbers.size()) refuse("fewer numbers than the words ask for");
    return request_.numbers[number_++];
  }
  // A whole number, as a double carries it.
  uint64_t whole() {
    const double value = number();
    if (!(value >= 0 && value <= 9007199254740991.0))
      refuse("a number: expected 0 to 2^53 - 1, given " + std::to_string(value));
    return static_cast<uint64_t>(value);
  }
  int32_t from(const char* what, int64_t least, int64_t end) {
    const int32_t value = word();
    if (value < least || value >= end) {
      refuse(std::string(what) + ": expected " + std::to_string(least) + " to " + std::to_string(end - 1) + ", given " +
             std::to_string(value));
    }
    return value;
  }
  const int32_t* words(int64_t count) {
    if (count < 0 || static_cast<size_t>(count) > request_.words.size() - word_) refuse("fewer words than they say");
    const int32_t* first = request_.words.data() + word_;
    word_ += static_cast<size_t>(count);
    return first;
  }
  bool is_done() const { return word_ == request_.words.size() && number_ == request_.numbers.size(); }

 private:
  const SampleRequest& request_;
  size_t word_ = 0;
  size_t number_ = 0;
};

constexpr int64_t kMany = int64_t{1} << 31;

SampleStep parse_step(Reader& reader, int64_t vocabulary) {
  SampleStep step;
  step.kind = static_cast<StepKind>(reader.from("a kind of step", 0, 8));
  if (step.kind == StepKind::guide) step.value = reader.number();
  if (step.kind == StepKind::warp) {
    step.how = reader.from("a warper", 0, 10);
    step.keep = reader.from("the least number of tokens to keep", 0, kMany);
    step.value = reader.number();
  }
  if (step.kind == StepKind::edit) step.how = reader.from("an edit", 0, 5);
  if (step.kind == StepKind::allow) step.how = reader.from("force", 0, 2);
  if (step.kind == StepKind::mask) {
    step.count = reader.word();
    step.bits = reinterpret_cast<const uint32_t*>(reader.words(step.count));
  }
  if (step.kind != StepKind::edit && step.kind != StepKind::only && step.kind != StepKind::allow) return step;
  step.count = reader.word();
  step.tokens = reader.words(step.count);
  if (step.kind == StepKind::edit) step.values = reinterpret_cast<const float*>(reader.words(step.count));
  for (int64_t i = 0; i < step.count; ++i) {
    if (step.tokens[i] >= 0 && step.tokens[i] < vocabulary) continue;
    refuse("a token: expected 0 to " + std::to_string(vocabulary - 1) + ", given " + std::to_string(step.tokens[i]));
  }
  return step;
}

RandomPlace parse_random(Reader& reader) {
  RandomPlace random;
  random.kind = static_cast<StreamKind>(reader.from("a stream", 0, 3));
  if (random.kind == StreamKind::none) return random;
  random.offset = reader.whole();
  if (random.kind == StreamKind::torch) {
    random.offset += reader.whole();
    random.state = reader.words(624);
  } else {
    random.seed = reader.whole();
    random.position = reader.whole();
  }
  return random;
}

SampleRow parse_row(Reader& reader, PickKind pick, int64_t logit_rows, int64_t vocabulary) {
  SampleRow row;
  row.row = reader.from("a row", 0, logit_rows);
  row.guide = reader.from("a guide", -1, logit_rows);
  row.bias = reader.number();
  if (pick == PickKind::score) row.target = reader.from("a target", 0, vocabulary);
  const int32_t steps = reader.from("steps", 0, kMany);
  for (int32_t i = 0; i < steps; ++i) {
    row.steps.push_back(parse_step(reader, vocabulary));
    if (row.steps.back().kind == StepKind::guide && row.guide < 0) refuse("a step that is guided has no guide");
  }
  return row;
}

}  // namespace

void parse_request(SampleRequest& request, int64_t logit_rows, int64_t vocabulary) {
  Reader reader(request);
  int64_t several = 0;
  const int32_t count = reader.from("groups", 0, kMany);
  for (int32_t index = 0; index < count; ++index) {
    SampleGroup group;
    group.pick = static_cast<PickKind>(reader.from("a pick", 0, 4));
    group.count = reader.from("a count", 1, kMany);
    group.logprobs = reader.from("log probabilities", -1, kMany);
    group.report = reader.from("tokens to report", 0, kMany);
    group.random = parse_random(reader);
    const int32_t rows = reader.from("rows", 1, kMany);
    for (int32_t i = 0; i < rows; ++i) group.rows.push_back(parse_row(reader, group.pick, logit_rows, vocabulary));
    const bool counts = group.pick == PickKind::score || group.pick == PickKind::argmax;
    const int64_t most = group.pick == PickKind::score ? rows : group.pick == PickKind::argmax ? 1 : rows * vocabulary;
    if (group.count > most || (counts && group.count < most)) refuse("a count of picks that the rows do not give");
    if (rows * vocabulary >= kMany) refuse("more entries than an index holds");
    if (group.pick == PickKind::draw && group.random.kind == StreamKind::none) refuse("a group that draws has no stream");
    if (rows > 1) several += rows;
    request.groups.push_back(std::move(group));
  }
  if (!reader.is_done()) refuse("more words than groups");
  if (several > 0) request.scores.reset(new float[static_cast<size_t>(several * vocabulary)]);
}

}  // namespace tsumugi
