import { TsumugiError } from "../../errors.ts";
import type { GgufHeader, GgufTensor, GgufValue } from "./header.ts";

/** The metadata of a model, by its keys without the architecture in front, and its tensors. */
export class GgufFields {
  readonly file: string;
  readonly architecture: string;
  readonly #metadata: ReadonlyMap<string, GgufValue>;
  readonly #tensors: ReadonlyMap<string, GgufTensor>;

  constructor(file: string, { metadata, tensors }: Pick<GgufHeader, "metadata" | "tensors">) {
    this.file = file;
    this.#metadata = metadata;
    this.#tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    const architecture = metadata.get("general.architecture");
    this.architecture = typeof architecture === "string" ? architecture : this.#fail("it has no `general.architecture`");
  }

  tensor(name: string): GgufTensor | undefined {
    return this.#tensors.get(name);
  }

  /** A number that must be there. Of a list with an entry for each layer, the one that all of them are. */
  count(key: string): number {
    return this.optional(key) ?? this.#fail(`it has no \`${this.architecture}.${key}\``);
  }

  /** A number, or undefined where it is not there. */
  optional(key: string): number | undefined {
    const name = `${this.architecture}.${key}`;
    const given = this.#metadata.get(name);
    const value = Array.isArray(given) ? given[0] : given;
    if (Array.isArray(given) && given.some((other) => other !== value)) {
      this.refuse(`\`${name}\` that differs from layer to layer`, given, "one number");
    }
    if (value === undefined || typeof value === "number") return value;
    return this.#fail(`\`${name}\` must be a number`);
  }

  text(key: string): string | undefined {
    const value = this.#metadata.get(`${this.architecture}.${key}`);
    return typeof value === "string" ? value : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.#metadata.get(`${this.architecture}.${key}`);
    return typeof value === "boolean" ? value : undefined;
  }

  list(key: string): readonly GgufValue[] | undefined {
    const value = this.#metadata.get(`${this.architecture}.${key}`);
    return Array.isArray(value) ? value : undefined;
  }

  /** A value by its whole key. */
  value(key: string): GgufValue | undefined {
    return this.#metadata.get(key);
  }

  refuse(what: string, given: unknown, supported: string): never {
    throw new TsumugiError("gguf_unsupported", { file: this.file, what, given, supported });
  }

  #fail(reason: string): never {
    throw new TsumugiError("gguf_invalid", { file: this.file, reason });
  }
}
