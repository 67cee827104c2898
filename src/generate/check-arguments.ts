import { TsumugiError } from "../errors.ts";
import { nearestName } from "../util/nearest-name.ts";

const tasks = ["text-generation", "text2text-generation"];

/** Refuses what is behind the arguments that a call has; `undefined` says nothing. */
export function refuseMoreArguments(call: string, more: readonly unknown[], taken: string): void {
  const given = more.find((value) => value !== undefined);
  if (given === undefined) return;
  throw new TsumugiError("invalid_input", {
    what: `A further argument of ${call}`,
    expected: `absent: it takes ${taken}`,
    given,
  });
}

/**
 * Refuses arguments of `pipeline` that are of another form, in words that show the right one.
 *
 * @throws `unknown_task`, `invalid_input`
 */
export function checkPipelineArguments(task: unknown, options: unknown, more: readonly unknown[]): void {
  const name = typeof task === "string" && tasks.includes(task) ? task : "text-generation";
  const form = (model: string) => `\`pipeline("${name}", { model${model} })\``;
  if (typeof task !== "string") {
    const expected = `a task, with the options behind it: ${form(modelOf(task))}`;
    throw new TsumugiError("invalid_input", { what: "The first argument of `pipeline`", expected, given: task });
  }
  if (!tasks.includes(task)) {
    const near = nearestName(task, tasks);
    const model = task.includes("/") ? ` A model stands among the options: ${form(`: ${JSON.stringify(task)}`)}.` : "";
    const hint = near === undefined ? model : ` Did you mean \`${near}\`?`;
    throw new TsumugiError("unknown_task", { task, supported: tasks.join(", "), hint });
  }
  const isModel = typeof (options as { generate?: unknown } | null | undefined)?.generate === "function";
  if (typeof options === "string" || isModel) {
    const expected = `an object: ${form(isModel ? "" : `: ${JSON.stringify(options)}`)}`;
    const given = isModel ? { found: "a loaded model" } : { given: options };
    throw new TsumugiError("invalid_input", { what: "The second argument of `pipeline`", expected, ...given });
  }
  refuseMoreArguments("`pipeline`", more, `a task and options: ${form(", tokenizer")}`);
}

function modelOf(given: unknown): string {
  const model: unknown = (given as { model?: unknown } | null | undefined)?.model;
  return typeof model === "string" ? `: ${JSON.stringify(model)}` : "";
}
