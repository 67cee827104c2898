import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { difference, ProgramBuilder, runSteps, tokenIds } from "../backend/support/programs.ts";
import { scratchCopy } from "../helpers/scratch-copy.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a contributor would write: an op with an attribute of each common kind. */
const definition = `import { checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";

/** x² · factor, or |x| · x · factor where it is \`signed\`, element by element. */
export const square = defineOp({
  name: "square",
  attributes: { factor: { kind: "number", default: 1 }, signed: { kind: "flag" } },
  shapes(inputs, weights) {
    checkCounts("square", inputs, 1, weights, 0);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes }) {
    const [x, y] = [inputs[0]!.data, outputs[0]!.data];
    const { factor, signed } = attributes;
    for (let i = 0; i < y.length; i++) y[i] = (signed ? Math.abs(x[i]!) : x[i]!) * x[i]! * factor;
  },
});
`;

const kernel = `// square: x * x * factor, with the sign of x where that is asked for.
#include <cmath>

#include "kernel.h"

namespace tsumugi {

struct Square {
  float factor;
  bool keeps_sign;
};

static Square prepare_square(const OpPlan& op, const SessionData&) {
  return {static_cast<float>(op.attributes.number("factor")), op.attributes.flag("signed")};
}

static void run_square(Worker& worker, const OpPlan& op, const StepContext& context, const Square& square) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, context.rows(op.outputs[0]) * context.width(op.outputs[0]), 4096, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) y[i] = (square.keeps_sign ? std::fabs(x[i]) : x[i]) * x[i] * square.factor;
  });
}

static const RegisterKernel square_kernel(kernel<prepare_square, run_square>("square"));

}  // namespace tsumugi
`;

/**
 * The addon with one kernel more: binding.gyp takes every file of native/kernels, so that the object of the new one is linked
 * with those of the others, which are there since the addon was built.
 */
function buildAddon(source: string, into: string): void {
  const compiler = process.env.CXX ?? "c++";
  const objects = join(root, "native/build/Release/obj.target/tsumugi");
  const built = ["addon", "kernels"].flatMap((folder) =>
    readdirSync(join(objects, folder))
      .filter((name) => name.endsWith(".o") && existsSync(join(root, "native", folder, name.replace(/o$/, "cc"))))
      .map((name) => join(objects, folder, name)),
  );
  const flags = [
    "-std=c++20",
    "-O2",
    "-fPIC",
    "-pthread",
    "-ffp-contract=off",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Werror",
  ];
  const object = `${into}.o`;
  execFileSync(compiler, [...flags, `-I${join(root, "native/include")}`, "-c", source, "-o", object]);
  const linking = process.platform === "linux" ? ["-Wl,--gc-sections"] : ["-undefined", "dynamic_lookup"];
  execFileSync(compiler, ["-shared", "-pthread", ...linking, ...built, object, "-o", into]);
}

it("an op with its kernel costs two files and one line: it is built, and runs as its reference does", async () => {
  expect(readFileSync(join(root, "native/binding.gyp"), "utf8")).toContain("'kernels'].flatMap");
  const copy = scratchCopy("add-op");
  copy.write("src/ops/square.ts", definition);
  copy.append("src/ops/index.ts", 'export { square } from "./square.ts";\n');
  copy.write("square.cc", kernel);
  expect(copy.changes()).toEqual({ "src/ops/index.ts": 1, "src/ops/square.ts": definition.split("\n").length });

  const addon = join(copy.folder, "tsumugi.node");
  buildAddon(join(copy.folder, "square.cc"), addon);
  process.env.TSUMUGI_ADDON_PATH = addon;
  const load = (path: string) => import(/* @vite-ignore */ pathToFileURL(join(copy.folder, "src", path)).href);
  const { createCpuBackend }: typeof import("../../src/backends/cpu/index.ts") = await load("backends/cpu/index.ts");
  const { createReferenceBackend }: typeof import("../../src/backends/reference/index.ts") =
    await load("backends/reference/index.ts");

  const steps = [[{ sequence: 0, from: 0, tokens: tokenIds(33) }], [{ sequence: 0, from: 33, tokens: [5] }]];
  for (const attributes of [{}, { factor: -0.3 }, { signed: true, factor: 2 }]) {
    for (const activation of ["float32", "bfloat16"] as const) {
      const build = () => {
        const builder = new ProgramBuilder();
        return builder.model(builder.op("square", [builder.input(65, 1)], ["T", 65], attributes));
      };
      const given = { activation, weights: activation };
      const native = await runSteps(createCpuBackend(), build(), steps, given);
      const expected = await runSteps(createReferenceBackend(), build(), steps, given);
      native.forEach((values, step) => {
        expect(values.some((value) => value !== 0)).toBe(true);
        expect(difference(values, expected[step]!)).toBeLessThan(activation === "float32" ? 3e-7 : 8e-3);
      });
    }
  }

  const misspelt = new ProgramBuilder();
  const { model, source } = misspelt.model(misspelt.op("square", [misspelt.input(7, 1)], ["T", 7], { factr: 2 }));
  const refused = runSteps(createCpuBackend(), { model, source }, steps);
  await expect(refused).rejects.toThrow("[square] attribute `factr`: expected one of factor, signed, given 2");
});
