import { TsumugiError } from "../../errors.ts";
import { type DType, dtypeBytes, elementCount } from "../../tensor/dtype.ts";
import { type PickleGlobal, type PickleHooks, type PickleValue, readPickle } from "./pickle.ts";

/** A tensor of a pickle: a view of values that are kept in a storage, which several tensors may share. */
export interface TorchTensor {
  storage: string;
  dtype: DType;
  /** In values. */
  offset: number;
  shape: number[];
  stride: number[];
}

/** A storage that a pickle names. */
export interface TorchStorage {
  key: string;
  dtype: DType;
  /** In values; of `UntypedStorage` in bytes. */
  count: number;
}

const storageTypes: { readonly [name: string]: DType } = {
  "torch.DoubleStorage": "float64",
  "torch.FloatStorage": "float32",
  "torch.HalfStorage": "float16",
  "torch.BFloat16Storage": "bfloat16",
  "torch.LongStorage": "int64",
  "torch.IntStorage": "int32",
  "torch.ShortStorage": "int16",
  "torch.CharStorage": "int8",
  "torch.ByteStorage": "uint8",
  "torch.BoolStorage": "bool",
  "torch.storage.UntypedStorage": "uint8",
};

/** Types that `_rebuild_tensor_v3` names beside an untyped storage. */
const dtypes: readonly string[] = [
  ...["float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"],
  ...["int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"],
];

const calls: readonly string[] = [
  "collections.OrderedDict",
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_tensor_v3",
  "torch._utils._rebuild_parameter",
  "torch.nn.parameter.Parameter",
  "torch.Size",
];

const globals = new Set([...Object.keys(storageTypes), ...dtypes.map((name) => `torch.${name}`), ...calls]);

class View {
  readonly tensor: TorchTensor;

  constructor(tensor: TorchTensor) {
    this.tensor = tensor;
  }
}

class Storage {
  readonly storage: TorchStorage;

  constructor(storage: TorchStorage) {
    this.storage = storage;
  }
}

/** Reads the pickle of a state dict: tensors by name, and the storages that they are views of. */
export function readState(
  bytes: Uint8Array,
  file: string,
  start = 0,
): { tensors: Map<string, TorchTensor>; storages: Map<string, TorchStorage>; end: number } {
  const storages = new Map<string, TorchStorage>();
  const fail = (reason: string): never => {
    throw new TsumugiError("pytorch_invalid", { file, reason });
  };
  const rebuild = ([held, offset, ...lists]: readonly PickleValue[], dtype?: DType): View => {
    // copies: what follows in the pickle may change its lists
    const [shape, stride] = [0, 1].map((i) => (Array.isArray(lists[i]) ? lists[i].slice(0, 17) : undefined));
    const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
    const isList = (value: unknown): value is number[] => Array.isArray(value) && value.length <= 16 && value.every(isCount);
    if (!(held instanceof Storage) || !isCount(offset) || !isList(shape) || !isList(stride) || shape.length !== stride.length) {
      return fail("a tensor has no storage, or no shape");
    }
    const tensor = { storage: held.storage.key, dtype: dtype ?? held.storage.dtype, offset, shape, stride };
    const last = shape.includes(0)
      ? 0
      : shape.reduce((sum: number, n: number, i: number) => sum + (n - 1) * stride[i]!, offset) + 1;
    const held8 = held.storage.count * dtypeBytes(held.storage.dtype);
    if (!(elementCount(shape) < 2 ** 53) || last * dtypeBytes(tensor.dtype) > held8)
      fail("a tensor is larger than its storage");
    return new View(tensor);
  };
  const hooks: PickleHooks = {
    knows: (name) => globals.has(name),
    persistent: (id) => {
      const [kind, type, key, , count] = Array.isArray(id) ? id : [];
      const dtype = storageTypes[(type as PickleGlobal | undefined)?.global ?? ""];
      if (kind !== "storage" || dtype === undefined || typeof key !== "string" || !Number.isSafeInteger(count) || count < 0) {
        return fail("a storage has no type, or no size");
      }
      const known = storages.get(key);
      const storage = { key, dtype, count: Math.max(count, known?.count ?? 0) };
      storages.set(key, storage);
      return new Storage({ key, dtype, count });
    },
    call: (name, args) => {
      // one that is made of pairs would copy them at every call: torch.save fills an empty one
      if (name === "collections.OrderedDict") return args.length === 0 ? new Map() : undefined;
      if (name === "torch.Size") return args[0];
      if (name === "torch._utils._rebuild_tensor" || name === "torch._utils._rebuild_tensor_v2") return rebuild(args);
      if (name === "torch._utils._rebuild_tensor_v3") {
        const dtype = (args[6] as PickleGlobal | undefined)?.global?.replace("torch.", "");
        return dtypes.includes(dtype ?? "") ? rebuild(args, dtype as DType) : undefined;
      }
      if (name.endsWith("_rebuild_parameter") || name.endsWith(".Parameter"))
        return args[0] instanceof View ? args[0] : undefined;
      return undefined;
    },
  };
  const { value, end } = readPickle(bytes, hooks, file, start);
  return { tensors: tensorsOf(value, file), storages, end };
}

/** The tensors of a state dict, or of one that stands inside under a usual name. */
function tensorsOf(value: PickleValue, file: string, depth = 0): Map<string, TorchTensor> {
  if (!(value instanceof Map)) throw new TsumugiError("pytorch_invalid", { file, reason: "it holds no dictionary of tensors" });
  for (const name of ["state_dict", "model_state_dict", "model", "module"]) {
    if (depth < 4 && value.get(name) instanceof Map) return tensorsOf(value.get(name), file, depth + 1);
  }
  const tensors = new Map<string, TorchTensor>();
  for (const [name, entry] of value) if (typeof name === "string" && entry instanceof View) tensors.set(name, entry.tensor);
  if (tensors.size === 0) throw new TsumugiError("pytorch_invalid", { file, reason: "it holds no tensors" });
  return tensors;
}

/** Whether the values of a view stand one after another. */
export function isContiguous({ shape, stride }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && stride[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** The values of a view, one after another, from the bytes between its first and its last value. */
export function gather(bytes: Uint8Array, { shape, stride, dtype }: TorchTensor): Uint8Array {
  const size = dtypeBytes(dtype);
  const out = new Uint8Array(elementCount(shape) * size);
  let to = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === shape.length) {
      for (let i = 0; i < size; i += 1) out[to + i] = bytes[from * size + i]!;
      to += size;
      return;
    }
    for (let i = 0; i < shape[axis]!; i += 1) walk(axis + 1, from + i * stride[axis]!);
  };
  walk(0, 0);
  return out;
}
