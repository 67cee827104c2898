import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { AvailableMemory } from "../backend.ts";

/** Reads a file of the system; undefined where it is not there. */
export type ReadText = (path: string) => string | undefined;

/**
 * Memory that this process may still take: the least of what the machine and the control groups above the process (version 1
 * or 2) leave. Pages of files that a group holds count as free, since the system drops them. Where nothing tells what is free
 * (systems other than Linux), it is all of the machine's.
 */
export function availableMemory(read: ReadText = readText, total = totalmem()): AvailableMemory {
  const meminfo = read("/proc/meminfo");
  const free = Number(/^MemAvailable:\s*(\d+) kB/m.exec(meminfo ?? "")?.[1] ?? Number.NaN) * 1024;
  const machine = { bytes: Number.isNaN(free) ? total : free, of: `of ${gigabytes(total)} of this machine` };
  return groupLimits(read).reduce((least, limit) => (limit.bytes < least.bytes ? limit : least), machine);
}

function groupLimits(read: ReadText): AvailableMemory[] {
  const limits: AvailableMemory[] = [];
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const isSecond = controllers === "";
    if (!isSecond && !controllers.split(",").includes("memory")) continue;
    const root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const names = isSecond
      ? { limit: "memory.max", usage: "memory.current", files: /^(?:in)?active_file (\d+)$/gm }
      : { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", files: /^total_(?:in)?active_file (\d+)$/gm };
    // A container may see its own group as the root, whatever path it is told: then that path is not there.
    for (const folder of ancestors(path)) {
      const limit = Number.parseInt(read(join(root, folder, names.limit)) ?? "", 10); // "max" is none
      const usage = Number.parseInt(read(join(root, folder, names.usage)) ?? "", 10);
      if (Number.isNaN(limit) || Number.isNaN(usage) || limit > 2 ** 52) continue;
      let files = 0;
      for (const [, bytes] of (read(join(root, folder, "memory.stat")) ?? "").matchAll(names.files)) files += Number(bytes);
      const bytes = Math.max(0, limit - Math.max(0, usage - files));
      limits.push({ bytes, of: `of the ${gigabytes(limit)} that the control group allows` });
    }
  }
  return limits;
}

/** "/a/b" gives "/a/b", "/a" and "/". */
function ancestors(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return parts.map((_, index) => `/${parts.slice(0, parts.length - index).join("/")}`).concat("/");
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
