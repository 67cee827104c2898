import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { lstat, lutimes, mkdir, open, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { TsumugiError } from "../errors.ts";
import type { HubContext } from "./options.ts";
import { sleep } from "./request.ts";

type Owner = { pid: number; host: string; id: string };

const heartbeatMs = 2000;
/** A process that looks dead may live in another container with our host name, so its heartbeat must have stopped too. */
const deadMs = 2.5 * heartbeatMs;
const pollMs = 100;
/** More than the text that names an owner. */
const ownerBytes = 4096;
/** They do not exist on Windows, where nothing of the kind can lie in a user's cache. */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Holds the lock file at `path` while `work` runs. It waits while another process or another call holds it.
 *
 * The file names its owner and is touched every two seconds. A lock whose process is gone (same machine) is taken over
 * five seconds after its last touch. So is one that nobody has touched for `staleMs` by the waiter's own clock: its owner
 * may be on another machine, or its process number may be in use again. Two holders could at worst download twice, because
 * blobs are checked and then renamed. What is no regular file, such as a link, is not a lock: `hub_cache_not_writable`.
 */
export async function withLock<T>(
  context: HubContext,
  path: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
  staleMs = 30_000,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const owner: Owner = { pid: process.pid, host: hostname(), id: randomUUID() };
  await acquire(context, path, owner, signal, staleMs);
  const heartbeat = setInterval(() => {
    const now = new Date();
    lutimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await readOwner(path))?.id === owner.id) await rm(path, { force: true });
  }
}

async function acquire(context: HubContext, path: string, owner: Owner, signal: AbortSignal | undefined, staleMs: number) {
  let seen = "";
  let seenAt = performance.now();
  while (true) {
    if (await tryCreate(path, owner)) return;
    const state = await lockState(path);
    if (state === undefined) continue; // released in the meantime
    const key = `${state.owner?.id}@${state.touched}`;
    if (key !== seen) {
      seen = key;
      seenAt = performance.now();
    }
    const isLocal = state.owner?.host === owner.host;
    const isDead = isLocal && !isAlive(state.owner?.pid ?? 0) && Date.now() - state.touched > deadMs;
    if (isDead || performance.now() - seenAt > staleMs) {
      await breakLock(path, key);
    } else {
      await sleep(context, pollMs, signal);
    }
  }
}

async function tryCreate(path: string, owner: Owner): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o664);
    try {
      await file.writeFile(JSON.stringify(owner));
    } catch (error) {
      await rm(path, { force: true }); // the disk is full; a lock that names nobody must not stay
      throw error;
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the stale lock, unless it is no longer the one that was judged stale. One waiter at a time may do this. */
async function breakLock(path: string, key: string): Promise<void> {
  const breaker = `${path}.break`;
  try {
    await (await open(breaker, "wx", 0o664)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const age = await lstat(breaker).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > 10_000) await rm(breaker, { force: true }); // its owner died between two system calls
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    return;
  }
  try {
    const state = await lockState(path);
    if (state !== undefined && `${state.owner?.id}@${state.touched}` === key) await rm(path, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
}

async function lockState(path: string): Promise<{ owner: Owner | undefined; touched: number } | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isFile()) {
    const reason = `it is ${found.isSymbolicLink() ? "a link" : "no regular file"}, and a lock is a file; remove it`;
    throw new TsumugiError("hub_cache_not_writable", { path, reason });
  }
  return { owner: await readOwner(path), touched: found.mtimeMs };
}

/** Reads whose lock it is: a short regular file, never what a link leads to. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return undefined;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(ownerBytes), 0, ownerBytes, 0);
      const owner = JSON.parse(buffer.toString("utf8", 0, bytesRead)) as Partial<Owner> | null;
      const isOwner = typeof owner?.id === "string" && typeof owner.host === "string" && Number.isSafeInteger(owner.pid);
      return isOwner ? (owner as Owner) : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined; // the file is gone, or it is being written
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false; // 0 and below mean groups of processes
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
