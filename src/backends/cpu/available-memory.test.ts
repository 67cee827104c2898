import { describe, expect, it } from "vitest";
import { availableMemory } from "./available-memory.ts";

const system = (files: Record<string, string>) => availableMemory((path) => files[path], 32e9);
const meminfo = "MemTotal:       31250000 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n";

describe("memory that may still be taken", () => {
  it("is what the machine has available", () => {
    expect(system({ "/proc/meminfo": meminfo })).toEqual({ bytes: 20_480_000_000, of: "of 32.0 GB of this machine" });
  });

  it("is all of the machine's where nothing tells what is free", () => {
    expect(system({}).bytes).toBe(32e9);
  });

  it("is what the nearest control group (version 2) leaves, pages of files not counted", () => {
    const files = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "0::/jobs/one\n",
      "/sys/fs/cgroup/jobs/one/memory.max": "max\n",
      "/sys/fs/cgroup/jobs/one/memory.current": "100\n",
      "/sys/fs/cgroup/jobs/memory.max": "4000000000\n",
      "/sys/fs/cgroup/jobs/memory.current": "3500000000\n",
      "/sys/fs/cgroup/jobs/memory.stat": "anon 1000000000\ninactive_file 2000000000\nactive_file 500000000\n",
    };
    expect(system(files)).toEqual({ bytes: 3_000_000_000, of: "of the 4.0 GB that the control group allows" });
  });

  it("is what a control group of version 1 leaves, also where the path is another one inside a container", () => {
    const files = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000000",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1500000000",
      "/sys/fs/cgroup/memory/memory.stat": "total_inactive_file 400000000\ntotal_active_file 100000000\ninactive_file 1\n",
    };
    expect(system(files).bytes).toBe(1_000_000_000);
  });

  it("takes version 1's largest number for no limit", () => {
    const files = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "4:memory:/\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1500000000",
    };
    expect(system(files).bytes).toBe(20_480_000_000);
  });
});
