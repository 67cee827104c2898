import { TsumugiError } from "../../errors.ts";
import { describeForeignFile } from "../../util/foreign-file.ts";

/** Reads bytes of a file. */
export type ReadRange = (offset: number, bytes: number) => Promise<Uint8Array>;

type NumberType = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "f32" | "f64";

const sizes = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 } as const;

/** Bytes that are read at once. */
const windowBytes = 1 << 20;

/** Bytes of a header at most: the largest vocabularies take twenty megabytes. */
const longestHeader = 268_435_456;

/** Entries of all lists together at most. */
const mostEntries = 16_777_216;

/** Reads a header from its beginning to its end, of which a window is in memory. */
export class HeaderCursor {
  readonly #file: string;
  readonly #fileBytes: number;
  readonly #read: ReadRange;
  #window: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#window.buffer);
  /** Where the window begins in the file, and the place in the window. */
  #start = 0;
  #at = 0;
  #entries = 0;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(file: string, fileBytes: number, read: ReadRange) {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#read = read;
  }

  get position(): number {
    return this.#start + this.#at;
  }

  /** What stands here, as far as the file goes. */
  async peek(bytes: number): Promise<Uint8Array> {
    const there = Math.min(bytes, this.#fileBytes - this.position);
    if (this.#window.length - this.#at < there) await this.#fill(there);
    return this.#window.subarray(this.#at, this.#at + there);
  }

  async skip(bytes: number): Promise<void> {
    await this.#need(bytes, "the header");
    this.#at += bytes;
  }

  async number(type: NumberType): Promise<number>;
  async number(type: NumberType | "u64" | "i64"): Promise<number | bigint>;
  async number(type: NumberType | "u64" | "i64"): Promise<number | bigint> {
    const size = sizes[type];
    if (this.#window.length - this.#at < size) await this.#need(size, "a number");
    const at = this.#at;
    this.#at += size;
    switch (type) {
      case "u8":
        return this.#view.getUint8(at);
      case "i8":
        return this.#view.getInt8(at);
      case "u16":
        return this.#view.getUint16(at, true);
      case "i16":
        return this.#view.getInt16(at, true);
      case "u32":
        return this.#view.getUint32(at, true);
      case "i32":
        return this.#view.getInt32(at, true);
      case "f32":
        return this.#view.getFloat32(at, true);
      case "f64":
        return this.#view.getFloat64(at, true);
      default: {
        const value = type === "u64" ? this.#view.getBigUint64(at, true) : this.#view.getBigInt64(at, true);
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
    }
  }

  /** A whole number of 64 bits that sizes may have. */
  async size(what: string): Promise<number> {
    const value = await this.number("u64");
    return typeof value === "number" ? value : this.fail(`${what} is ${value}`);
  }

  /** How many of something follow: no more than `limit`, and than there is room for. */
  async count(what: string, limit: number, leastBytes: number): Promise<number> {
    const value = await this.size(what);
    if (value > limit) this.fail(`${what} is ${value}, and at most ${limit} are read`);
    const room = Math.floor((this.#fileBytes - this.position) / leastBytes);
    if (value > room) this.fail(`${what} is ${value}, and the file has room for ${room} (is it cut off?)`);
    return value;
  }

  /** Counts what lists take in memory. */
  countEntries(count: number): void {
    this.#entries += count;
    if (this.#entries > mostEntries) this.fail(`its lists have more than ${mostEntries} entries together`);
  }

  async string(what: string, limit: number): Promise<string> {
    const length = await this.count(`the length of ${what}`, limit, 1);
    if (this.#window.length - this.#at < length) await this.#need(length, what);
    this.#at += length;
    return this.#utf8.decode(this.#window.subarray(this.#at - length, this.#at));
  }

  /** The string that stands here, where the window has all of it. */
  stringNow(): string | undefined {
    const start = this.#at + 8;
    if (start > this.#window.length || this.#view.getUint32(this.#at + 4, true) !== 0) return undefined;
    const end = start + this.#view.getUint32(this.#at, true);
    if (end > this.#window.length) return undefined;
    this.#at = end;
    return this.#utf8.decode(this.#window.subarray(start, end));
  }

  fail(reason: string): never {
    throw new TsumugiError("gguf_invalid", { file: this.#file, reason });
  }

  /** Says what a file is that does not begin as GGUF files do. */
  failForeign(start: Uint8Array): never {
    this.fail(describeForeignFile(start) ?? 'it does not begin with "GGUF"');
  }

  refuse(what: string, given: unknown, supported: string): never {
    throw new TsumugiError("gguf_unsupported", { file: this.#file, what, given, supported });
  }

  async #need(bytes: number, what: string): Promise<void> {
    if (this.position + bytes > this.#fileBytes)
      this.fail(`it ends inside ${what} (is it cut off, a download that did not finish?)`);
    if (this.#window.length - this.#at < bytes) await this.#fill(bytes);
  }

  async #fill(bytes: number): Promise<void> {
    const start = this.position;
    if (start + bytes > longestHeader) this.fail(`its header is longer than ${longestHeader} bytes`);
    this.#window = await this.#read(start, Math.min(Math.max(bytes, windowBytes), this.#fileBytes - start));
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    this.#start = start;
    this.#at = 0;
  }
}
