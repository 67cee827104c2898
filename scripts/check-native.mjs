/**
 * Builds the C++ with sanitizers, apart from the addon that is shipped, and runs its checks:
 *   - the thread pool under ThreadSanitizer (bench/kernels/thread_pool_check.cc);
 *   - every matmul kernel against sums in double, AMX in emulation, under AddressSanitizer and UndefinedBehaviorSanitizer;
 *   - matmuls by weights of codes against the same values, and store and attend once, the same way;
 *   - the tests of ops, mixtures, codes and the border in test/backend, with an addon built the same way.
 *
 *   npm run check:native              (Linux with g++; about three minutes)
 *   npm run check:native -- --all     attention over long contexts and every instruction set too: half an hour
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { hashFiles, listFiles, root, stampMatches, writeStamp } from "./ensure.mjs";
import { nodePrefix } from "./node-prefix.mjs";

const tests = ["kernels", "mixture", "code-blocks", "code-layouts", "addon-border"];
if (process.argv.includes("--all")) tests.push("attention", "instruction-sets");
const poolSources = ["thread_pool", "isa"];

const compiler = process.env.CXX ?? "g++";
const flags = [
  "-std=c++20",
  "-O1",
  "-g1",
  "-fno-math-errno",
  "-ffp-contract=off",
  "-pthread",
  "-fPIC",
  "-Wall",
  "-Wextra",
  "-Werror",
];
const includes = ["-Inative/include", "-Inative/kernels"];
const memory = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"];
const threads = ["-fsanitize=thread"];
const folder = ".cache/native-check";

if (process.platform !== "linux" || spawnSync(compiler, ["--version"]).status !== 0) {
  console.error(`tsumugi: these checks need Linux and a C++20 compiler with sanitizers: ${compiler} is not there.`);
  process.exit(1);
}
const prefix = nodePrefix();
if (!prefix) {
  console.error(
    "tsumugi: these checks need Node's headers (include/node/node_api.h), which no Node on this machine has beside it.",
  );
  process.exit(1);
}

const sourcesIn = (name) =>
  readdirSync(join(root, "native", name))
    .filter((file) => file.endsWith(".cc"))
    .sort()
    .map((file) => `native/${name}/${file}`);
const napi = createRequire(import.meta.url)("node-addon-api").include_dir;
const addonFlags = [
  "-DNAPI_VERSION=8",
  "-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL",
  "-isystem",
  napi,
  "-isystem",
  join(prefix, "include/node"),
];

const jobs = [];
const kernels = sourcesIn("kernels").map((source) => compile("memory", source, memory));
const addon = sourcesIn("addon").map((source) => compile("memory", source, [...memory, ...addonFlags]));
const emulated = [];
for (const name of ["isa", "matmul_bfloat16_amx"])
  emulated.push(compile("emulated", `native/kernels/${name}.cc`, [...memory, "-DTSUMUGI_EMULATE_AMX"]));
const matmul = ["matmul_bench", "matmul_check"].map((name) => compile("memory", `bench/kernels/${name}.cc`, memory));
const codes = compile("memory", "bench/kernels/codes_bench.cc", memory);
const attend = compile("memory", "bench/kernels/attend_bench.cc", memory);
const pool = poolSources.map((name) => compile("threads", `native/kernels/${name}.cc`, threads));
pool.push(compile("threads", "bench/kernels/thread_pool_check.cc", threads));

await runJobs();
const poolCheck = link("thread_pool_check", pool, threads);
const others = kernels.filter((object) => !/\/(isa|matmul_bfloat16_amx)\.o$/.test(object));
const matmulCheck = link("matmul_check", [...matmul, ...emulated, ...others], memory);
const codesCheck = link("codes_check", [codes, ...emulated, ...others], memory);
const attendCheck = link("attend_check", [attend, ...kernels], memory);
const node = link("tsumugi.node", [...addon, ...kernels], [...memory, "-shared"]);

const environment = {
  ...process.env,
  ASAN_OPTIONS: "detect_leaks=0",
  UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
  TSAN_OPTIONS: "halt_on_error=1",
};
check("the thread pool, ThreadSanitizer", join(root, poolCheck), []);
check("matmul kernels, AMX in emulation", join(root, matmulCheck), ["check"]);
check("matmul by weights of codes, AMX in emulation", join(root, codesCheck), ["check"]);
for (const type of ["float32", "bfloat16"])
  check(`store and attend, ${type}`, join(root, attendCheck), ["19", "300", type, "2", "1"]);

// Node is not built with a sanitizer: its libraries come first, and libstdc++ with them, so that they find where C++ throws.
const library = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
const vitest = join(root, "node_modules/vitest/vitest.mjs");
check(
  `test/backend: ${tests.join(", ")}`,
  process.execPath,
  [
    vitest,
    "run",
    "--project",
    "backend",
    "--reporter=dot",
    "--testTimeout=300000",
    ...tests.map((name) => `test/backend/${name}.test.ts`),
  ],
  {
    ...(process.argv.includes("--all") ? { TSUMUGI_TESTS: "all" } : {}),
    LD_PRELOAD: `${library("libasan.so")}:${library("libstdc++.so.6")}`,
    TSUMUGI_ADDON_PATH: join(root, node),
  },
);
console.log("native checks hold");

/** Plans one object file; its path. */
function compile(kind, source, extra) {
  // With the folder: a kernel and its side of the border may have one name.
  const object = `${folder}/${kind}/${source.split("/").slice(-2).join("/").replace(/\.cc$/, ".o")}`;
  jobs.push([...flags, ...includes, ...extra, "-c", source, "-o", object]);
  return object;
}

/** Compiles all that is planned and has changed, as many at once as there are cores. */
async function runJobs() {
  // A change of the native sources compiles all of them anew: which of them includes which is not worth knowing here.
  const shared = ["native/addon", "native/include", "native/kernels"].flatMap((name) => listFiles(name));
  shared.push("bench/kernels/matmul_check.h");
  for (const job of jobs) mkdirSync(join(root, job.at(-1), ".."), { recursive: true });
  const worker = async () => {
    for (let job = jobs.pop(); job; job = jobs.pop()) {
      const stamp = `${job.at(-1)}.stamp`;
      const hash = hashFiles([...shared, job.at(-3)], compiler, ...job);
      if (stampMatches(stamp, hash)) continue;
      const child = spawn(compiler, job, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
      const status = await new Promise((resolve) => child.on("close", resolve));
      if (status !== 0) process.exit(1);
      writeStamp(stamp, hash);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

function link(name, objects, extra) {
  const path = `${folder}/${name}`;
  const { status } = spawnSync(compiler, [...extra, "-pthread", ...objects, "-o", path, "-ldl"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
  return path;
}

function check(what, command, given, extra = {}) {
  const begin = performance.now();
  const { status } = spawnSync(command, given, { cwd: root, stdio: "inherit", env: { ...environment, ...extra } });
  if (status !== 0) {
    console.error(`tsumugi: ${what}: failed`);
    process.exit(1);
  }
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
