/** The longest text that a value is shown as, in UTF-16 units. */
const mostShown = 200;
const deepest = 4;

/**
 * A value as an error shows it: near to JSON, with what JSON cannot hold by its kind (a Map, a function, a BigInt, a list inside of
 * itself). It looks at no more of the value than it shows.
 */
export function showValue(value: unknown): string {
  const writer = new Writer();
  writer.write(value, 0);
  return writer.out.length > mostShown ? `${cutAt(writer.out, mostShown)}…` : writer.out;
}

class Writer {
  out = "";
  readonly #around: object[] = [];

  write(value: unknown, depth: number): void {
    if (this.out.length > mostShown) return;
    switch (typeof value) {
      case "string":
        this.out += JSON.stringify(cutAt(value, mostShown + 1));
        return;
      case "bigint":
        this.out += value > 10n ** 100n || value < -(10n ** 100n) ? "a very large BigInt" : `${value}n`;
        return;
      case "function":
        this.out += `a function${nameOf(value)}`;
        return;
      case "object":
        if (value !== null) {
          this.#writeObject(value, depth);
          return;
        }
    }
    this.out += String(value);
  }

  #writeObject(value: object, depth: number): void {
    if (this.#around.includes(value)) {
      this.out += "(itself again)";
      return;
    }
    const kind = kindOf(value);
    const items = Array.isArray(value) ? value : ArrayBuffer.isView(value) && "length" in value ? value : undefined;
    if (items === undefined && kind !== "Object") {
      this.out += this.#kindText(value, kind);
      return;
    }
    if (items !== undefined && !Array.isArray(items)) this.out += `${kind} `;
    if (depth === deepest) {
      this.out += items ? "[…]" : "{…}";
      return;
    }
    this.#around.push(value);
    if (items) this.#writeItems(items as ArrayLike<unknown>, depth);
    else this.#writeFields(value as Record<string, unknown>, depth);
    this.#around.pop();
  }

  #writeItems(items: ArrayLike<unknown>, depth: number): void {
    this.out += "[";
    for (let index = 0; index < items.length && this.out.length <= mostShown; index++) {
      if (index > 0) this.out += ",";
      this.write(items[index], depth + 1);
    }
    this.out += "]";
  }

  #writeFields(fields: Record<string, unknown>, depth: number): void {
    this.out += "{";
    let isFirst = true;
    for (const name in fields) {
      if (this.out.length > mostShown) break;
      if (!Object.hasOwn(fields, name)) continue;
      this.out += `${isFirst ? "" : ","}${JSON.stringify(cutAt(name, mostShown))}:`;
      isFirst = false;
      this.write(fieldOf(fields, name), depth + 1);
    }
    this.out += "}";
  }

  #kindText(value: object, kind: string): string {
    if (value instanceof Date) return `Date ${Number.isNaN(value.getTime()) ? "(invalid)" : value.toISOString()}`;
    if (value instanceof Error) return `${kind}: ${cutAt(String(value.message), mostShown)}`;
    const size = (value as { size?: unknown }).size;
    if (value instanceof Map || value instanceof Set) return `a ${kind} of ${String(size)}`;
    return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
  }
}

/** A getter of the caller's may throw. */
function fieldOf(fields: Record<string, unknown>, name: string): unknown {
  try {
    return fields[name];
  } catch {
    return undefined;
  }
}

/** The class of an object; "Object" for plain ones, whatever realm they are of. */
function kindOf(value: object): string {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === null || Object.getPrototypeOf(prototype) === null) return "Object";
    const { name } = (prototype as { constructor: { name?: unknown } }).constructor;
    return typeof name === "string" && name !== "" ? cutAt(name, 60) : "object of a class";
  } catch {
    return "object of a class";
  }
}

function nameOf({ name }: { name?: unknown }): string {
  return typeof name === "string" && name !== "" ? ` \`${cutAt(name, 60)}\`` : "";
}

function cutAt(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}
