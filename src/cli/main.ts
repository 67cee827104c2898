#!/usr/bin/env node
import { runProgram } from "./program.ts";

// Whoever reads the output may stop (`| head`). Then nobody is left to write to, and that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runProgram(process.argv.slice(2));
