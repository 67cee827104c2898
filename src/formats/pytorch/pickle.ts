import { TsumugiError } from "../../errors.ts";

/** A name that a pickle refers to; it is never looked up or called, only recognised. */
export interface PickleGlobal {
  global: string;
}

/** What makes the values of a pickle that are more than data. */
export interface PickleHooks {
  /** The result of calling a global with arguments; undefined: it may not be called. */
  call(name: string, args: readonly PickleValue[]): PickleValue | undefined;
  /** A value that the pickle keeps elsewhere, by its id. */
  persistent(id: PickleValue): PickleValue;
  /** Whether a global may be named. */
  knows(name: string): boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: values of a pickle are of any kind, and are checked where they are used
export type PickleValue = any;

/** Values on the stack, and entries of containers, at most. */
const limit = 20_000_000;

const mark = Symbol("mark");

/**
 * Reads one pickle as data. Nothing is executed: names are compared with a list, and calls are turned over to `hooks`, which
 * knows a handful of them. Everything else is refused, where Python's own reader would run it.
 *
 * @returns the value, and where the next byte behind the pickle is
 * @throws `pickle_refused`
 */
export function readPickle(
  bytes: Uint8Array,
  hooks: PickleHooks,
  file: string,
  start = 0,
): { value: PickleValue; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (reason: string): never => {
    throw new TsumugiError("pickle_refused", { file, reason });
  };
  const stack: PickleValue[] = [];
  const memo = new Map<number, PickleValue>();
  let at = start;
  let steps = 0;
  const need = (count: number) => {
    if (count < 0 || at + count > bytes.length) fail(`it ends at byte ${bytes.length}, in the middle of a value`);
    at += count;
    return at - count;
  };
  const byte = () => view.getUint8(need(1));
  const uint32 = () => view.getUint32(need(4), true);
  const text = (length: number) => {
    const from = need(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) fail("a line does not end");
    const out = new TextDecoder().decode(bytes.subarray(at, end));
    at = end + 1;
    return out;
  };
  const pop = (): PickleValue => {
    if (stack.length === 0) fail("its stack is empty where a value is needed");
    const value = stack.pop();
    return value === mark ? fail("a mark stands where a value is needed") : value;
  };
  const popToMark = (): PickleValue[] => {
    const from = stack.lastIndexOf(mark);
    if (from < 0) fail("a mark is missing");
    return stack.splice(from).slice(1);
  };
  const top = (): PickleValue => (stack.length > 0 ? stack.at(-1) : fail("its stack is empty"));
  const integer = (length: number): number => {
    if (length > 16) fail(`an integer of ${length} bytes`);
    let value = 0n;
    const from = need(length);
    for (let i = length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[from + i]!);
    if (length > 0 && bytes[from + length - 1]! >= 128) value -= 1n << BigInt(8 * length);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : (value as PickleValue);
  };
  const named = (name: string): PickleGlobal => {
    if (!hooks.knows(name)) fail(`it names \`${name}\`, which weights have no use for`);
    return { global: name };
  };
  const addItems = (target: PickleValue, items: readonly PickleValue[]) => {
    if (!(target instanceof Map) || items.length % 2 === 1) fail("items of something that is no dictionary");
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  };
  const append = (target: PickleValue, items: readonly PickleValue[]) => {
    if (!Array.isArray(target)) fail("entries of something that is no list");
    for (const item of items) target.push(item);
  };
  const operations: { readonly [code: number]: () => void } = {
    128: () => {
      const protocol = byte();
      if (protocol > 5) fail(`it has protocol ${protocol}, and 0 to 5 are known`);
    },
    149: () => void need(8), // frame
    40: () => void stack.push(mark),
    48: () => void stack.pop(),
    49: () => void popToMark(),
    50: () => void stack.push(top()),
    78: () => void stack.push(null),
    136: () => void stack.push(true),
    137: () => void stack.push(false),
    74: () => void stack.push(view.getInt32(need(4), true)),
    75: () => void stack.push(byte()),
    77: () => void stack.push(view.getUint16(need(2), true)),
    138: () => void stack.push(integer(byte())),
    139: () => void stack.push(integer(view.getInt32(need(4), true))),
    71: () => void stack.push(view.getFloat64(need(8), false)),
    88: () => void stack.push(text(uint32())),
    140: () => void stack.push(text(byte())),
    141: () => void stack.push(text(Number(view.getBigUint64(need(8), true)))),
    84: () => void stack.push(text(uint32())), // bytes of Python 2
    85: () => void stack.push(text(byte())),
    66: () => void stack.push(text(uint32())), // bytes
    67: () => void stack.push(text(byte())),
    125: () => void stack.push(new Map()),
    93: () => void stack.push([]),
    41: () => void stack.push([]),
    100: () => void stack.push(new Map(pairs(popToMark()))),
    108: () => void stack.push(popToMark()),
    116: () => void stack.push(popToMark()),
    133: () => void stack.push([pop()]),
    134: () => void stack.push(lastOf(2)),
    135: () => void stack.push(lastOf(3)),
    97: () => {
      const value = pop();
      append(top(), [value]);
    },
    101: () => {
      const values = popToMark();
      append(top(), values);
    },
    115: () => {
      const value = pop();
      const key = pop();
      addItems(top(), [key, value]);
    },
    117: () => {
      const items = popToMark();
      addItems(top(), items);
    },
    113: () => void memo.set(byte(), top()),
    114: () => void memo.set(uint32(), top()),
    148: () => void memo.set(memo.size, top()),
    104: () => void stack.push(recall(byte())),
    106: () => void stack.push(recall(uint32())),
    99: () => {
      const module = line();
      stack.push(named(`${module}.${line()}`));
    },
    147: () => {
      const name = pop();
      stack.push(named(`${pop()}.${name}`));
    },
    81: () => void stack.push(hooks.persistent(pop())),
    82: call,
    129: call, // an object made of its class and arguments
    98: () => {
      // the attributes of an object: those of dictionaries (`_metadata`) say nothing of weights
      pop();
      if (!(top() instanceof Map)) fail("attributes of something that is no dictionary");
    },
  };
  function call() {
    const args = pop();
    const callee = pop() as Partial<PickleGlobal>;
    const name = callee?.global ?? "a value";
    const result = Array.isArray(args) && callee?.global !== undefined ? hooks.call(name, args) : undefined;
    stack.push(result === undefined ? fail(`it calls \`${name}\`, which weights have no use for`) : result);
  }
  function lastOf(count: number): PickleValue[] {
    return Array.from({ length: count }, pop).reverse();
  }
  function recall(index: number): PickleValue {
    return memo.has(index) ? memo.get(index) : fail(`it recalls value ${index}, which it has not kept`);
  }
  function pairs(items: readonly PickleValue[]): [PickleValue, PickleValue][] {
    if (items.length % 2 === 1) fail("a key without a value");
    return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]]);
  }
  for (;;) {
    steps += 1;
    if (steps > limit) fail(`it has more than ${limit} steps`);
    const code = byte();
    if (code === 46) return { value: pop(), end: at };
    const operation = operations[code];
    if (!operation) fail(`it has the operation ${code}, which weights have no use for`);
    operation!();
  }
}
