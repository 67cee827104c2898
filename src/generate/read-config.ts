import { TsumugiError } from "../errors.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import { isRecord } from "../util/json-value.ts";

/** config.json of a model. Numbers that transformers wraps because other JSON has none such (`__float__`) are unwrapped. */
export async function readConfig(files: ModelFiles): Promise<Record<string, unknown>> {
  const config = await readObject(files, "config.json");
  if (config === undefined) return incomplete(files, "has no config.json");
  return unwrapped(config, 0) as Record<string, unknown>;
}

/** A JSON file of a model that holds an object; undefined where it is not there. */
export async function readObject(files: ModelFiles, file: string): Promise<Record<string, unknown> | undefined> {
  const content = await files.readJson(file);
  if (content === undefined || isRecord(content)) return content;
  return incomplete(files, `has a ${file} that does not hold an object`);
}

function incomplete({ directory }: ModelFiles, reason: string): never {
  throw new TsumugiError("model_incomplete", { directory, reason });
}

const wrapped: { readonly [tag: string]: number } = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** Values with `{"__float__": "Infinity"}` as the number. What nests deeper than any config does is left as it is. */
function unwrapped(value: unknown, depth: number): unknown {
  if (depth > 100) return value;
  if (Array.isArray(value)) return value.map((item) => unwrapped(item, depth + 1));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "__float__" && Object.hasOwn(wrapped, String(first[1]))) {
    return wrapped[String(first[1])];
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, unwrapped(item, depth + 1)]));
}
