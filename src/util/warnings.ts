import { TsumugiError } from "../errors.ts";
import { isThenable } from "./callback-guard.ts";

/** What is told to the user without stopping: settings that have no effect, inputs that look wrong. */
export type WarningHandler = (message: string) => void;

const consoleHandler: WarningHandler = (message) => console.warn(`tsumugi: ${message}`);

let handler: WarningHandler = consoleHandler;
const told = new Set<string>();

/**
 * Sends warnings elsewhere than to `console.warn`; without an argument, back there. Warnings that are told once are
 * told again to a new handler.
 *
 * @example
 * ```ts
 * setWarningHandler((message) => logger.warn(message));
 * ```
 */
export function setWarningHandler(next: WarningHandler = consoleHandler): void {
  if (typeof next !== "function")
    throw new TsumugiError("invalid_input", { what: "The handler", expected: "a function", given: next });
  handler = next;
  told.clear();
}

export function warn(message: string): void {
  const given: unknown = handler(message);
  // an async handler that fails must not end the process, and the message must not be lost
  if (isThenable(given)) given.then(undefined, () => consoleHandler(message));
}

/** Tells each text once. */
export function warnOnce(message: string): void {
  if (told.has(message)) return;
  told.add(message);
  warn(message);
}
