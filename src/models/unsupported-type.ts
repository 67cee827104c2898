import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { nearestName } from "../util/nearest-name.ts";

/** What is known when a model's type is refused. */
export interface UnsupportedType {
  /** What config.json names; undefined where it names nothing. */
  given: unknown;
  /** config.json. */
  config: unknown;
  /** The types that load. */
  supported: readonly string[];
}

/** Refuses a model by its type: `model_unsupported`, with the type that may be meant, and whether it is code of its own. */
export function refuseType({ given, config, supported }: UnsupportedType): never {
  const name = typeof given === "string" ? given.slice(0, 100) : given;
  throw new TsumugiError("model_unsupported", {
    given: name ?? "nothing",
    hint: [guess(name, config, supported), ownCode(config)].map((part) => (part === undefined ? "" : ` ${part}`)).join(""),
  });
}

function guess(name: unknown, config: unknown, supported: readonly string[]): string | undefined {
  if (typeof name !== "string" || name === "") {
    const [architecture] = isRecord(config) && Array.isArray(config.architectures) ? config.architectures : [];
    const stem = typeof architecture === "string" ? /^(\w+?)(LMHead|For|Model)/.exec(architecture)?.[1] : undefined;
    const type = stem === undefined ? undefined : familyOf(stem.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase(), supported);
    const said = type === undefined ? "" : `; \`architectures\` says ${architecture}, so it may be "${type}"`;
    return `config.json needs \`model_type\`${said}.`;
  }
  if (supported.includes(name)) return "config.json has no `text_config`, which says what its text part is.";
  // a name with words behind it says more than config.json does
  const near = /\W\(/.test(name) ? undefined : familyOf(name.toLowerCase().replaceAll("-", "_"), supported);
  return near === undefined
    ? undefined
    : `The nearest name is \`${near}\`, which is another model unless config.json is misspelled.`;
}

function familyOf(name: string, supported: readonly string[]): string | undefined {
  return nearestName(name, supported) ?? supported.find((type) => type.length > 3 && name.startsWith(type));
}

/** Says that a model brings code, where config.json says so. */
function ownCode(config: unknown): string | undefined {
  if (!isRecord(config) || !isRecord(config.auto_map)) return undefined;
  const values = Object.values(config.auto_map).flat();
  const file = values.find((value) => typeof value === "string");
  const where = typeof file === "string" ? ` (${file.slice(0, 100)})` : "";
  return `config.json has \`auto_map\`: the model is Python code of its own${where}, and remote code is never run. Look for a version of it with an architecture of transformers.`;
}
