/** One build of a folder at a time, among all processes of this machine. */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";

const pollMs = 200;
/** A lock of another machine, or with the number of a process that has been used again, is given up after so long. */
const oldMs = 30 * 60_000;

/**
 * Waits until no other process holds the lock file `path`, then holds it. The file names its processes: where none of them
 * lives any more, it is taken over at once, so a build that was killed leaves nothing to clear away.
 *
 * @returns {Promise<{ add(pid: number): void, release(): void }>} `add` names a child that goes on where this process is killed
 */
export async function takeLock(path, { onWait = () => {} } = {}) {
  const own = `${path}.${process.pid}`;
  const processes = [process.pid];
  const text = () => JSON.stringify({ host: hostname(), processes });
  writeFileSync(own, text());
  try {
    for (let told = false; !tryLink(own, path); ) {
      const held = readLock(path);
      if (held && isDead(held)) {
        takeOver(path, held.text);
        continue;
      }
      if (!told) onWait();
      told = true;
      await new Promise((resolve) => {
        setTimeout(resolve, pollMs);
      });
    }
  } finally {
    rmSync(own, { force: true });
  }
  return {
    add(pid) {
      processes[1] = pid;
      writeFileSync(own, text());
      renameSync(own, path);
    },
    release() {
      // not one that somebody else has taken over
      if (readLock(path)?.text === text()) rmSync(path, { force: true });
    },
  };
}

/** A link appears with its contents, or not at all. */
function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
  }
  // a file system without links
  try {
    writeFileSync(to, readFileSync(from), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The lock as it stands; undefined where it has just been released. */
function readLock(path) {
  try {
    const text = readFileSync(path, "utf8");
    return { text, age: Date.now() - statSync(path).mtimeMs };
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isDead({ text, age }) {
  if (age > oldMs) return true;
  if (!text.endsWith("}")) return false; // not written to its end yet
  const { host, processes } = JSON.parse(text);
  return host === hostname() && !processes.some(lives);
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // it lives, as somebody else's
  }
}

/** Two that wait may both find it dead: what the second one moved away is put back. */
function takeOver(path, expected) {
  const moved = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, moved);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  if (readFileSync(moved, "utf8") !== expected) tryLink(moved, path);
  rmSync(moved);
}
