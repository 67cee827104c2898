import { TsumugiError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { createReferenceBackend } from "./reference/index.ts";

/** A backend by the name that `device` has for it: made only where it is asked for, so that nothing else needs its code. */
export type BackendMaker = () => Promise<Backend>;

/** The backends that ship. One more is a folder here, and its line. */
const shipped = {
  cpu: async () => {
    const { nativeAddon } = await import("./cpu/addon.ts");
    nativeAddon(); // a missing addon is told before anything is downloaded
    const { createCpuBackend } = await import("./cpu/index.ts");
    return createCpuBackend();
  },
  reference: async () => createReferenceBackend(),
} satisfies { readonly [name: string]: BackendMaker };

/** Names of the devices that ship. */
export type DeviceName = keyof typeof shipped;

/** What "auto" stands for. */
const automatic: DeviceName = "cpu";

const makers = new Map<string, BackendMaker>(Object.entries(shipped));

/** Names that `device` may have, beside "auto". */
export function deviceNames(): string[] {
  return [...makers.keys()];
}

/**
 * Makes a backend known by a name, as its line above would. Returns what takes it away again.
 *
 * @example
 * ```ts
 * const forget = registerDevice("toy", async () => ({ ...createReferenceBackend(), name: "toy" }));
 * const backend = await createBackend("toy");
 * forget();
 * ```
 */
export function registerDevice(name: string, maker: BackendMaker): () => void {
  if (name === "auto" || makers.has(name))
    throw new TsumugiError("invalid_option", {
      option: "device",
      expected: "another name: this one is there already",
      given: name,
    });
  makers.set(name, maker);
  return () => makers.delete(name);
}

/** The backend of a device; "auto": the fastest that every machine has. The caller has checked the name. */
export function createBackend(device: string): Promise<Backend> {
  const name = device === "auto" ? automatic : device;
  const maker = makers.get(name);
  if (!maker)
    throw new TsumugiError("invalid_option", { option: "device", expected: `one of ${deviceNames().join(", ")}`, given: name });
  return maker();
}
