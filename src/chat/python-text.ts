import type { RuntimeValue } from "./jinja.ts";

/** What Python's `str()` makes of a template's value; undefined gives `""`, as Jinja prints it. */
export function pythonText(value: RuntimeValue): string {
  return value.type === "StringValue" ? String(value.value) : value.type === "UndefinedValue" ? "" : representation(value);
}

function representation(value: RuntimeValue): string {
  switch (value.type) {
    case "NullValue":
      return "None";
    case "BooleanValue":
      return value.value ? "True" : "False";
    case "StringValue":
      return quoted(String(value.value));
    case "ArrayValue":
      return `[${(value.value as RuntimeValue[]).map(representation).join(", ")}]`;
    case "TupleValue": {
      const items = (value.value as RuntimeValue[]).map(representation);
      return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`;
    }
    case "ObjectValue": {
      const entries = [...(value.value as Map<string, RuntimeValue>)];
      return `{${entries.map(([key, item]) => `${quoted(key)}: ${representation(item)}`).join(", ")}}`;
    }
    default:
      return value.toString();
  }
}

/** Python's `repr` of a string: single quotes, or double ones around an apostrophe. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const names: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", [quote]: `\\${quote}` };
  const escaped = text.replace(/[\\'"\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "'" || character === '"') return character === quote ? `\\${quote}` : character;
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return names[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
  });
  return `${quote}${escaped}${quote}`;
}
