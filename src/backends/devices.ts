import { TsumugiError } from "../errors.ts";
import { warnOnce } from "../util/warnings.ts";
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
  if (typeof name !== "string" || name === "")
    throw new TsumugiError("invalid_option", { option: "device", expected: "a name, a text that is not empty", given: name });
  if (typeof maker !== "function")
    throw new TsumugiError("invalid_input", { what: "The maker of a device", expected: "an async function", given: maker });
  if (name === "auto" || makers.has(name))
    throw new TsumugiError("invalid_option", {
      option: "device",
      expected: "another name: this one is there already",
      given: name,
    });
  makers.set(name, maker);
  return () => makers.delete(name);
}

/** The backend of a device; "auto": cpu, or reference with a warning where the native addon is missing. The caller has checked the name. */
export function createBackend(device: string): Promise<Backend> {
  if (device === "auto") return createAutomatic();
  const maker = makers.get(device);
  if (!maker)
    throw new TsumugiError("invalid_option", {
      option: "device",
      expected: `one of ${deviceNames().join(", ")}`,
      given: device,
    });
  return maker();
}

/** Who did not ask for a device gets answers without a compiler too, and one line on why they are slow. */
async function createAutomatic(): Promise<Backend> {
  try {
    return await shipped.cpu();
  } catch (error) {
    if (!TsumugiError.isInstance(error) || error.code !== "native_addon_missing") throw error;
    const { reason, hint } = error.details;
    warnOnce(`running on device "reference", which is slow: cpu needs the native addon, ${reason}. ${hint}.`);
    return shipped.reference();
  }
}
