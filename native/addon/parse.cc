#include "parse.h"

#include "kernel.h"
#include "matmul.h"

namespace tsumugi {

namespace {

double number(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) throw Napi::TypeError::New(object.Env(), std::string("[addon] ") + name + ": expected a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t integer(const Napi::Object& object, const char* name) { return static_cast<int64_t>(number(object, name)); }

bool flag(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean().Value(); }

std::string text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) throw Napi::TypeError::New(object.Env(), std::string("[addon] ") + name + ": expected a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Array list(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsArray()) throw Napi::TypeError::New(object.Env(), std::string("[addon] ") + name + ": expected an array");
  return value.As<Napi::Array>();
}

template <typename Number>
std::vector<Number> numbers(const Napi::Object& object, const char* name) {
  const Napi::Array from = list(object, name);
  std::vector<Number> out(from.Length());
  for (uint32_t i = 0; i < from.Length(); ++i) out[i] = static_cast<Number>(from.Get(i).ToNumber().DoubleValue());
  return out;
}

constexpr size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

void place_weights(SessionData& session) {
  size_t total = 0;
  for (Weight& weight : session.weights) {
    const size_t values = static_cast<size_t>(weight.rows) * static_cast<size_t>(weight.columns);
    weight.bytes =
        weight.kind == WeightKind::packed
            ? static_cast<size_t>(weight.groups) * packed_bytes(weight.storage, weight.rows, weight.columns, weight.codes)
            : values * value_bytes(weight.storage);
    total += aligned(weight.bytes);
  }
  session.weight_memory = HugeBuffer(total);
  uint8_t* next = session.weight_memory.data();
  for (Weight& weight : session.weights) {
    weight.data = next;
    next += aligned(weight.bytes);
  }
}

// A block of a state is the blocks of all its parts, one behind the other. A line between blocks keeps the same place of many
// of them out of one set of the processor's caches.
struct StateBlocks {
  size_t bytes = 64;
  size_t count = 0;
  size_t next = 0;  // where the next part begins
};

void place_cache(SessionData& session) {
  std::vector<StateBlocks> states;
  for (const StatePart& part : session.parts) {
    const size_t state = static_cast<size_t>(part.state);
    if (states.size() <= state) states.resize(state + 1);
    states[state].bytes += aligned(part.block_bytes());
    states[state].count = static_cast<size_t>(part.blocks);
  }
  size_t total = 0;
  for (StateBlocks& state : states) {
    state.next = total;
    total += state.bytes * state.count;
  }
  session.cache_memory = HugeBuffer(total);
  for (StatePart& part : session.parts) {
    StateBlocks& state = states[static_cast<size_t>(part.state)];
    part.data = session.cache_memory.data() + state.next;
    part.block_step = state.bytes;
    state.next += aligned(part.block_bytes());
  }
}

// A number, a boolean, a name, or a Float64Array of numbers.
OpAttributes::Value attribute(const Napi::Value& value, const std::string& op, const std::string& name) {
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float64_array) {
    const Napi::Float64Array list = value.As<Napi::Float64Array>();
    return std::vector<double>(list.Data(), list.Data() + list.ElementLength());
  }
  throw Napi::TypeError::New(value.Env(),
                             "[" + op + "] attribute " + name + ": expected a number, a boolean, a string or a Float64Array");
}

void parse_attributes(const Napi::Value& from, const std::string& owner, OpAttributes& attributes) {
  if (!from.IsObject()) throw Napi::TypeError::New(from.Env(), "[" + owner + "] attributes: expected an object");
  const Napi::Object values = from.As<Napi::Object>();
  const Napi::Array names = values.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    attributes.set(name, attribute(values.Get(name), owner, name));
  }
}

void parse_op(const Napi::Object& from, OpPlan& op) {
  op.name = text(from, "name");
  op.kernel = &find_kernel(op.name);
  op.rounds = flag(from, "rounds");
  op.inputs = numbers<int>(from, "inputs");
  op.outputs = numbers<int>(from, "outputs");
  op.weights = numbers<int>(from, "weights");
  op.parts = numbers<int>(from, "parts");
  parse_attributes(from.Get("attributes"), op.name, op.attributes);
}

// The kernel reads its attributes, once; what it throws names the op.
void prepare_op(OpPlan& op, const SessionData& session) {
  try {
    if (op.kernel->prepare != nullptr) op.settings = op.kernel->prepare(op, session);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("[" + op.name + "] " + error.what());
  }
}

// The most of each kind that an op asks for.
void measure_scratch(SessionData& session) {
  session.scratch_floats = {16, 0};
  for (const OpPlan& op : session.ops) {
    if (op.kernel->scratch == nullptr) continue;
    const KernelScratch asked = op.kernel->scratch(op, session);
    session.scratch_floats.of_worker = std::max(session.scratch_floats.of_worker, asked.of_worker);
    session.scratch_floats.shared = std::max(session.scratch_floats.shared, asked.shared);
  }
  session.scratch_floats.of_worker = padded_lanes(session.scratch_floats.of_worker);
}

size_t scratch_bytes(const SessionData& session) {
  const auto [of_worker, shared] = session.scratch_floats;
  return (of_worker * static_cast<size_t>(session.workers) + shared) * sizeof(float);
}

size_t matmul_bytes(const SessionData& session) {
  int64_t columns = 1;
  int64_t outputs = 1;
  bool permuted = false;
  for (const Weight& weight : session.weights) {
    if (weight.kind != WeightKind::packed) continue;
    columns = std::max(columns, weight.matrix().padded_columns());
    permuted = permuted || weight.codes.permuted || weight.int8_threshold >= 0;
    outputs = std::max(outputs, weight.rows);
  }
  const int64_t rows = std::max(session.max_tokens, session.max_logit_rows);
  return matmul_workspace_bytes(rows, columns, outputs, session.workers, permuted);
}

Arithmetic parse_arithmetic(const std::string& name) {
  if (name == "float32") return Arithmetic::float32;
  if (name == "bfloat16") return Arithmetic::bfloat16;
  if (name == "int8") return Arithmetic::int8;
  throw std::invalid_argument("[addon] arithmetic: expected float32, bfloat16 or int8, given " + name);
}

Place parse_place(const Napi::Object& from, const std::vector<std::vector<uint8_t>>& memory) {
  Place place;
  place.file = static_cast<int>(integer(from, "file"));
  if (place.file < 0) place.memory = memory.at(static_cast<size_t>(integer(from, "memory"))).data();
  place.offset = static_cast<uint64_t>(integer(from, "offset"));
  return place;
}

}  // namespace

DType parse_dtype(const std::string& name) {
  std::string known;
  for (const DType type : kDTypes) {
    if (name == dtype_name(type)) return type;
    known += std::string(known.empty() ? "" : ", ") + dtype_name(type);
  }
  throw std::invalid_argument("[addon] dtype: expected one of " + known + ", given " + name);
}

CodeLayout parse_codes(const Napi::Value& value, Storage storage) {
  OpAttributes from;
  parse_attributes(value, "codes", from);
  CodeLayout codes;
  codes.group = from.integer("group");
  codes.table = from.one_of<CodeTable>("table", kCodeTableNames);
  codes.scale = from.one_of<CodeScale>("scale", kCodeScaleNames);
  codes.offset = from.one_of<CodeOffset>("offset", kCodeOffsetNames);
  codes.permuted = from.flag("permuted");
  codes.super = from.integer("super", 0);
  const bool is_wide = codes.table == CodeTable::int8 || codes.table == CodeTable::float8;
  if (codes.table != CodeTable::linear && is_wide != (storage == Storage::code8)) {
    throw std::invalid_argument(std::string("[addon] codes: expected a table of ") + storage_name(storage) + ", given " +
                                kCodeTableNames[static_cast<int>(codes.table)]);
  }
  return codes;
}

// Everything but memory and contents.
static void parse_plan(const Napi::Object& plan, SessionData& session) {
  session.workers = static_cast<int>(integer(plan, "workers"));
  session.max_tokens = integer(plan, "maxTokens");
  session.max_sequences = integer(plan, "maxSequences");
  session.max_logit_rows = integer(plan, "maxLogitRows");
  session.encode_from = static_cast<size_t>(integer(plan, "encodeFrom"));
  session.kept_floats = numbers<size_t>(plan, "keptFloats");

  const Napi::Array values = list(plan, "values");
  session.values.resize(values.Length());
  for (uint32_t i = 0; i < values.Length(); ++i) {
    const Napi::Object from = values.Get(i).As<Napi::Object>();
    session.values[i] = {static_cast<Rows>(integer(from, "kind")),
                         integer(from, "rows"),
                         integer(from, "width"),
                         static_cast<size_t>(integer(from, "offset")),
                         static_cast<int>(integer(from, "kept")),
                         flag(from, "rounds")};
  }

  const Napi::Array weights = list(plan, "weights");
  session.weights.resize(weights.Length());
  for (uint32_t i = 0; i < weights.Length(); ++i) {
    const Napi::Object from = weights.Get(i).As<Napi::Object>();
    Weight& weight = session.weights[i];
    weight.kind = static_cast<WeightKind>(integer(from, "kind"));
    weight.storage = storage_named(text(from, "storage"));
    weight.arithmetic = parse_arithmetic(text(from, "arithmetic"));
    if (weight.kind != WeightKind::packed && !is_plain(weight.storage)) {
      throw std::invalid_argument(std::string("[addon] storage: expected a plain one, given ") + storage_name(weight.storage));
    }
    weight.groups = integer(from, "groups");
    weight.rows = integer(from, "rows");
    weight.columns = integer(from, "columns");
    weight.rounds = flag(from, "rounds");
    if (from.Get("int8Threshold").IsNumber()) weight.int8_threshold = static_cast<float>(number(from, "int8Threshold"));
    if (!is_plain(weight.storage)) weight.codes = parse_codes(from.Get("codes"), weight.storage);
    if (weight.arithmetic == Arithmetic::int8 && !takes_int8(weight.matrix())) {
      throw std::invalid_argument("[addon] arithmetic: expected float32 or bfloat16 for values or codes that int8 cannot take");
    }
  }

  const Napi::Array parts = list(plan, "parts");
  session.parts.resize(parts.Length());
  for (uint32_t i = 0; i < parts.Length(); ++i) {
    const Napi::Object from = parts.Get(i).As<Napi::Object>();
    StatePart& part = session.parts[i];
    part.state = static_cast<int>(integer(from, "state"));
    part.transposed = flag(from, "transposed");
    part.bfloat16 = flag(from, "bfloat16");
    part.int8 = flag(from, "int8");
    part.heads = integer(from, "heads");
    part.dim = integer(from, "dim");
    part.blocks = integer(from, "blocks");
  }

  const Napi::Array ops = list(plan, "ops");
  session.ops.resize(ops.Length());
  for (uint32_t i = 0; i < ops.Length(); ++i) {
    parse_op(ops.Get(i).As<Napi::Object>(), session.ops[i]);
    prepare_op(session.ops[i], session);
  }
  measure_scratch(session);
}

size_t workspace_bytes(const Napi::Object& plan) {
  SessionData session;
  parse_plan(plan, session);
  return matmul_bytes(session) + scratch_bytes(session);
}

void parse_session(const Napi::Object& plan, SessionData& session) {
  parse_plan(plan, session);
  place_weights(session);
  place_cache(session);
  session.scratch = HugeBuffer(scratch_bytes(session));
  session.workspace = HugeBuffer(static_cast<size_t>(integer(plan, "workspaceBytes")));
  session.matmul_workspace = HugeBuffer(matmul_bytes(session));
  plan_steps(session);
}

static PlainMatrix parse_matrix(const Napi::Object& from, const std::vector<std::vector<uint8_t>>& memory) {
  return {parse_place(from.Get("place").As<Napi::Object>(), memory), parse_dtype(text(from, "dtype")),
          integer(from, "columns")};
}

static LowRankChange parse_change(const Napi::Object& from, const std::vector<std::vector<uint8_t>>& memory) {
  LowRankChange change;
  change.down = parse_matrix(from.Get("down").As<Napi::Object>(), memory);
  change.up = parse_matrix(from.Get("up").As<Napi::Object>(), memory);
  change.rank = change.up.columns;
  change.scale = static_cast<float>(number(from, "scale"));
  change.exchanged = flag(from, "exchanged");
  change.has_magnitude = from.Get("magnitude").IsObject();
  if (change.has_magnitude) change.magnitude = parse_matrix(from.Get("magnitude").As<Napi::Object>(), memory);
  return change;
}

LoadPlan parse_load(const Napi::Object& plan, std::vector<std::vector<uint8_t>>& memory) {
  LoadPlan out;
  const Napi::Array files = list(plan, "files");
  for (uint32_t i = 0; i < files.Length(); ++i) out.files.push_back(files.Get(i).ToString().Utf8Value());
  const Napi::Array sources = list(plan, "memory");
  for (uint32_t i = 0; i < sources.Length(); ++i) {
    const Napi::Value source = sources.Get(i);
    if (!source.IsTypedArray()) throw Napi::TypeError::New(plan.Env(), "[addon] memory: expected Uint8Arrays");
    const Napi::Uint8Array bytes = source.As<Napi::Uint8Array>();
    memory.emplace_back(bytes.Data(), bytes.Data() + bytes.ByteLength());
  }
  const Napi::Array origins = list(plan, "origins");
  for (uint32_t i = 0; i < origins.Length(); ++i) {
    const Napi::Object from = origins.Get(i).As<Napi::Object>();
    WeightOrigin origin;
    origin.weight = static_cast<int>(integer(from, "weight"));
    origin.tensor = text(from, "tensor");
    const std::string storage = text(from, "storage");
    if (storage == "plain") {
      origin.type = parse_dtype(text(from, "dtype"));
    } else {
      origin.reader = &find_reader(storage);
    }
    parse_attributes(from.Get("parameters"), storage, origin.parameters);
    if (from.Get("quantiser").IsString()) {
      const std::string quantiser = text(from, "quantiser");
      origin.quantiser = &find_quantiser(quantiser);
      parse_attributes(from.Get("quantise"), quantiser, origin.quantise);
    }
    origin.stored_rows = integer(from, "storedRows");
    const Napi::Array places = list(from, "places");
    for (uint32_t n = 0; n < places.Length(); ++n) {
      const Napi::Value place = places.Get(n);
      origin.places.push_back(place.IsObject() ? parse_place(place.As<Napi::Object>(), memory) : Place{});
    }
    origin.stored_columns = integer(from, "storedColumns");
    origin.row_start = integer(from, "rowStart");
    origin.row_end = integer(from, "rowEnd");
    origin.column_start = integer(from, "columnStart");
    origin.column_end = integer(from, "columnEnd");
    origin.transposed = flag(from, "transposed");
    origin.destination = integer(from, "destination");
    if (from.Get("change").IsObject()) origin.change = parse_change(from.Get("change").As<Napi::Object>(), memory);
    out.origins.push_back(std::move(origin));
  }
  return out;
}

std::vector<int32_t> parse_int32(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw Napi::TypeError::New(value.Env(), std::string("[addon] ") + name + ": expected an Int32Array");
  }
  const Napi::Int32Array array = value.As<Napi::Int32Array>();
  return std::vector<int32_t>(array.Data(), array.Data() + array.ElementLength());
}

BatchData parse_batch(const Napi::Object& batch, const SessionData& session) {
  BatchData out;
  out.token_ids = parse_int32(batch.Get("tokenIds"), "tokenIds");
  out.positions = parse_int32(batch.Get("positions"), "positions");
  out.sequence_start = parse_int32(batch.Get("sequenceStart"), "sequenceStart");
  out.prompt_length = parse_int32(batch.Get("promptLength"), "promptLength");
  if (!batch.Get("rotaryLead").IsUndefined()) out.rotary_lead = parse_int32(batch.Get("rotaryLead"), "rotaryLead");
  if (!batch.Get("padding").IsUndefined()) out.padding = parse_int32(batch.Get("padding"), "padding");
  out.logit_rows = parse_int32(batch.Get("logitRows"), "logitRows");
  if (out.tokens() > session.max_tokens || out.positions.size() != out.token_ids.size() ||
      static_cast<int64_t>(out.logit_rows.size()) > session.max_logit_rows || out.sequences() > session.max_sequences ||
      out.sequence_start.size() != out.prompt_length.size() + 1 ||
      (!out.rotary_lead.empty() && out.rotary_lead.size() != out.prompt_length.size()) ||
      (!out.padding.empty() && out.padding.size() != out.prompt_length.size())) {
    throw Napi::RangeError::New(batch.Env(), "[addon] batch: expected arrays within the session's limits");
  }
  const Napi::Array states = list(batch, "states");
  for (uint32_t i = 0; i < states.Length(); ++i) {
    const Napi::Object from = states.Get(i).As<Napi::Object>();
    out.states.push_back({parse_int32(from.Get("tableStart"), "tableStart"), parse_int32(from.Get("table"), "table"),
                          parse_int32(from.Get("length"), "length")});
  }
  const Napi::Array copies = list(batch, "copies");
  for (uint32_t i = 0; i < copies.Length(); ++i) {
    const Napi::Object from = copies.Get(i).As<Napi::Object>();
    out.copies.push_back({static_cast<int32_t>(integer(from, "state")), static_cast<int32_t>(integer(from, "from")),
                          static_cast<int32_t>(integer(from, "to"))});
  }
  return out;
}

}  // namespace tsumugi
