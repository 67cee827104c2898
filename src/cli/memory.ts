import { spawn } from "node:child_process";
import { type Command, Option } from "commander";
import { TsumugiError } from "../errors.ts";
import { type MemoryRow, type MemoryTable, memoryTable } from "../generate/index.ts";
import { memoryFormats } from "../generate/memory-formats.ts";
import { defaultMemoryFormats } from "../generate/memory-table.ts";
import { abortOnInterrupt } from "./interrupt.ts";
import { type MeasuredMemory, measureMemory } from "./measure-memory.ts";
import { addHubOptions, type ModelFlags, positiveInteger } from "./model-options.ts";
import { createProgressReporter, megabytes } from "./progress.ts";

interface MemoryFlags extends Omit<ModelFlags, "model"> {
  dtypes: string[];
  context?: number;
  measure?: boolean;
  measureHere?: boolean;
  json?: boolean;
}

type MeasuredRow = MemoryRow & { measured?: MeasuredMemory; notMeasured?: string };

/** `tsumugi memory <model>`: what it takes in several formats, reckoned and, where asked, measured. */
export function addMemoryCommand(program: Command): void {
  const list = (text: string) => text.split(",").map((name) => name.trim());
  const command = program
    .command("memory")
    .description("show the memory that a model takes in several formats: weights, KV cache and workspace")
    .argument("<model>", "Hub id or local folder")
    .option("--dtypes <list>", `formats, with commas between: ${Object.keys(memoryFormats).join(", ")}`, list, [
      ...defaultMemoryFormats,
    ])
    .option("--context <n>", "tokens in the KV cache (default: 1024, or the model's context)", positiveInteger)
    .option("--measure", "load the model in each format, one after another, and measure")
    .option("--json", "print one JSON object")
    .option("--threads <n>", "threads while measuring (default: physical cores)", positiveInteger)
    .addOption(new Option("--measure-here").hideHelp());
  addHubOptions(command).action((model: string, flags: MemoryFlags) => showMemory(model, flags));
}

async function showMemory(model: string, flags: MemoryFlags): Promise<void> {
  const { revision, cacheDir, localFilesOnly, dtypes, context, threads } = flags;
  const hub = { revision, cacheDir, localFilesOnly };
  if (flags.measureHere) {
    const measured = await measureMemory(model, dtypes[0]!, { ...hub, threads, contextTokens: context });
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    return;
  }
  const reporter = createProgressReporter();
  const options = { ...hub, dtypes, contextTokens: context, onProgress: reporter.download };
  const table = await memoryTable(model, options).finally(reporter.close);
  const rows: MeasuredRow[] = [];
  for (const row of table.rows) rows.push(flags.measure ? { ...row, ...(await measureApart(row, model, flags)) } : row);
  const text = flags.json ? JSON.stringify({ ...table, rows }) : describe(table, rows).join("\n");
  process.stdout.write(`${text}\n`);
}

/** Measures in a process of its own: what others have left behind would count. */
async function measureApart(row: MemoryRow, model: string, flags: MemoryFlags): Promise<Partial<MeasuredRow>> {
  if (row.fits === false) return { notMeasured: "it does not fit" };
  if (memoryFormats[row.dtype]?.options === undefined)
    return { notMeasured: "models are stored so, not turned into it while loading" };
  const { revision, cacheDir, localFilesOnly, context, threads } = flags;
  const args = ["memory", model, "--dtypes", row.dtype, "--measure-here"];
  for (const [name, value] of Object.entries({ revision, "cache-dir": cacheDir, context, threads })) {
    if (value !== undefined) args.push(`--${name}`, String(value));
  }
  if (localFilesOnly) args.push("--local-files-only");
  const interrupt = abortOnInterrupt();
  try {
    const { code, stdout, stderr } = await runSelf(args, interrupt.signal);
    if (code === 0) return { measured: JSON.parse(stdout) as MeasuredMemory };
    return { notMeasured: stderr.trim().replace(/^tsumugi: /, "") || `the process ended with ${code}` };
  } finally {
    interrupt.release();
  }
}

function runSelf(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [process.argv[1]!, ...args], { stdio: ["ignore", "pipe", "pipe"], signal });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    child.on("error", (cause) => reject(signal.aborted ? new TsumugiError("aborted") : cause));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function describe(table: MemoryTable, rows: readonly MeasuredRow[]): string[] {
  const { model, modelType, parameters, contextTokens, available } = table;
  const isMeasured = rows.some(({ measured, notMeasured }) => measured ?? notMeasured);
  const cells = rows.map(({ dtype, parametersTimesBits, weights, cache, workspace, total, fits, isPlanned, measured }) => [
    dtype,
    megabytes(parametersTimesBits),
    `${isPlanned ? "" : "~"}${megabytes(weights)}`,
    megabytes(cache),
    megabytes(workspace),
    `${isPlanned ? "" : "~"}${megabytes(total)}`,
    ...(available ? [fits ? "yes" : "no"] : []),
    ...(isMeasured ? (measured ? measuredCells(measured) : ["│", "-", "-", "-", "-", "-"]) : []),
  ]);
  const head = ["format", "params × bits", "weights", "cache", "workspace", "total", ...(available ? ["fits"] : [])];
  if (isMeasured) head.push("│", "weights", "cache", "workspace", "now", "peak of process");
  const rowsOfText = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...rowsOfText.map((row) => row[column]!.length)));
  const lines = rowsOfText.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  "),
  );
  return [
    `${model} (${modelType}): ${parameters.toLocaleString("en-US")} parameters; cache for ${contextTokens.toLocaleString("en-US")} tokens of one sequence`,
    "",
    ...lines,
    ...(rows.some(({ isPlanned }) => !isPlanned) ? ["", "~: reckoned from the shapes of the weights alone"] : []),
    ...(isMeasured ? ["", "Right of │: measured. Peak: anonymous and shared memory above that of Node before loading."] : []),
    ...(available ? ["", `Free: ${megabytes(available.bytes)} ${available.of}.`] : []),
    ...rows.flatMap(({ dtype, notMeasured }) => (notMeasured ? [`${dtype} was not measured: ${notMeasured}`] : [])),
  ];
}

function measuredCells({ weights, cache, workspace, total, processPeak }: MeasuredMemory): string[] {
  return ["│", megabytes(weights), megabytes(cache), megabytes(workspace), megabytes(total), megabytes(processPeak)];
}
