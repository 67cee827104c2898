import type { Model, Program } from "../ops/program.ts";
import { pythonPattern } from "../util/python-pattern.ts";
import * as arch from "./arch/index.ts";
import type { Architecture } from "./define.ts";
import { moduleUses } from "./module-uses.ts";

/** A weight that is (a part of) the matrix of an `nn.Linear` or a Conv1D in transformers. */
export interface LinearWeight {
  /** Index into `Model.weights`. */
  weight: number;
  /** The module's path. */
  module: string;
  /** The plain checkpoint stores the matrix as [inputs, outputs]. */
  inputsFirst: boolean;
}

/**
 * What quantisers that replace `nn.Linear` would take: neither fused experts nor routers, which are parameters in transformers 5,
 * nor a matrix that is also a table. Falcon's own class of linear modules counts, as it did in transformers 4.
 */
export function linearWeights(model: Model): LinearWeight[] {
  const architecture = architectureOf(model);
  const programs = { decode: model.programs.decode, encode: model.programs.encode };
  const routers = { decode: routersOf(programs.decode), encode: routersOf(programs.encode) };
  const found = new Map<number, LinearWeight>();
  for (const { program, op: at, weight: slot, expert } of moduleUses(model)) {
    const op = programs[program]!.ops[at]!;
    const weight = op.weights[slot]!;
    if (expert !== undefined || routers[program].has(at) || model.weights[weight]!.uses.includes("gather")) continue;
    const inputsFirst = architecture.storesInputsFirst && op.module !== architecture.tie.head;
    found.set(weight, { weight, module: op.module, inputsFirst });
  }
  return [...found.values()];
}

/** Weights of routers, which choose experts. */
export function routerWeights({ programs }: Model): Set<number> {
  const found = new Set<number>();
  for (const program of [programs.decode, programs.encode]) {
    for (const at of routersOf(program)) for (const weight of program!.ops[at]!.weights) if (weight >= 0) found.add(weight);
  }
  return found;
}

/** Weights whose products are logits, and tables that are multiplied too. */
export function headWeights(model: Model): Set<number> {
  const { head } = architectureOf(model).tie;
  const found = new Set<number>();
  for (const { module, weights } of model.programs.decode.ops) {
    if (module === head) for (const weight of weights) if (weight >= 0) found.add(weight);
  }
  model.weights.forEach(({ uses }, index) => {
    if (uses.includes("gather") && uses.includes("matmul")) found.add(index);
  });
  return found;
}

function architectureOf({ modelType }: Model): Architecture {
  return Object.values(arch as Record<string, Architecture>).find((each) => each.modelType === modelType)!;
}

/** Ops that give what `route` reads. Gemma 4 and HunYuan have a linear module inside their router. */
function routersOf(program: Pick<Program, "ops"> | undefined): Set<number> {
  const ops = program?.ops ?? [];
  const read = new Set(ops.filter(({ op }) => op === "route").flatMap(({ inputs }) => inputs));
  const isRouter = ({ module, outputs }: Program["ops"][number]) =>
    outputs.some((value) => read.has(value)) && !/\.(proj|wg)$/.test(module);
  return new Set(ops.flatMap((op, index) => (isRouter(op) ? [index] : [])));
}

/** Modules that transformers keeps in float32 whatever a skip list says (`_keep_in_fp32_modules`). */
const keptInFloat32: { readonly [modelType: string]: readonly string[] } = { t5: ["wo"], mt5: ["wo"] };

/** The module of a model's last parameter, where that is a linear one and not the head. */
const lastModules: { readonly [modelType: string]: string } = { gemma3n_text: "model.altup_unembed_projections.2" };

/** The modules that are left out by default: the head, the embedding that is tied to it, and the last of all. */
export function defaultSkips(model: Model): readonly string[] {
  const { head, embedding } = architectureOf(model).tie;
  return [head, embedding, lastModules[model.modelType]].filter((name) => name !== undefined);
}

/**
 * Whether a module is skipped, as transformers reads a list: an entry is a regular expression at the start of the module's path
 * ("model.layers.1" means layers 10 to 19 too), or the end of it. Source: `should_convert_module`.
 *
 * @returns undefined where an entry is no regular expression that can be used; then that entry
 */
export function skipRule(model: Model, list: readonly string[]): { skips(module: string): boolean } | { refused: string } {
  const all = [...list, ...(keptInFloat32[model.modelType] ?? [])];
  const patterns: RegExp[] = [];
  for (const entry of all) {
    const pattern = pythonPattern(entry, "^(?:", ")");
    if (!pattern) return { refused: entry };
    patterns.push(pattern);
  }
  return { skips: (module) => all.some((entry, at) => patterns[at]!.test(module) || module.endsWith(entry)) };
}
