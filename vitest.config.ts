import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const projects = [
  { extends: true, test: { name: "unit", include: ["src/**/*.test.ts", "test/unit/**/*.test.ts"] } },
  { extends: true, test: { name: "backend", include: ["test/backend/**/*.test.ts"] } },
  { extends: true, test: { name: "conformance", include: ["test/conformance/**/*.test.ts"] } },
  { extends: true, test: { name: "cli", include: ["test/cli/**/*.test.ts"] } },
  { extends: true, test: { name: "docs", include: ["test/docs/**/*.test.ts"] } },
] as const;

/**
 * What `npm run test:long` runs and `npm test` does not: tests that need a Python (TSUMUGI_PYTHON) or build the addon anew, and
 * the property tests with many seeds and the reference backend with every model (test/helpers/seed-count.ts). scripts/test.mjs sets the variable.
 */
const long = {
  extends: true,
  test: {
    name: "long",
    include: ["test/long/**/*.test.ts", "{src,test}/**/*property.test.ts", "test/conformance/{generate,assisted}.test.ts"],
    testTimeout: 1_800_000,
  },
} as const;

export default defineConfig({
  test: {
    testTimeout: 60_000,
    // vitest leaves a processor to itself, which on two of them is every second one
    maxWorkers: Math.min(availableParallelism(), 4),
    projects: process.env.TSUMUGI_TESTS === "long" ? [long] : [...projects],
  },
});
