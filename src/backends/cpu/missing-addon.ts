import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TsumugiError } from "../../errors.ts";

/** What scripts/build-record.mjs writes beside the addon. */
interface BuildRecord {
  outcome?: unknown;
  missing?: unknown;
  summary?: unknown;
  lastLines?: unknown;
  platform?: unknown;
  arch?: unknown;
}

/** The nearest folder upwards that holds package.json: the same from src/ and from dist/. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/**
 * The error for an addon that is not there, or that cannot be loaded (`cause`), by the record of the last build. Its detail
 * `kind` tells apart: "no_compiler", "build_failed", "build_interrupted", "scripts_blocked" (no build was ever tried),
 * "not_loadable", "path" (TSUMUGI_ADDON_PATH).
 */
export function missingAddon(file: string, cause?: unknown, root = packageRoot()): TsumugiError {
  const details = { ...explain(file, cause, root), file };
  return new TsumugiError("native_addon_missing", details, cause === undefined ? undefined : { cause });
}

/** The error for an addon that was built from other sources than this code: `kind` is "stale". `sign`: what tells so. */
export function staleAddon(file: string, sign: string, root = packageRoot()): TsumugiError {
  const hint = `Rebuild it: \`npm rebuild tsumugi\`, or \`node "${join(root, "scripts/build-native.mjs")}" --force\``;
  const reason = `and ${file} was built from other sources (${sign})`;
  return new TsumugiError("native_addon_missing", { kind: "stale", reason, hint, file });
}

interface Explanation {
  kind: string;
  /** Goes on from "the native addon,". */
  reason: string;
  /** What to do, without a full stop. */
  hint: string;
  /** Lines of the build, behind everything else. */
  log?: string;
}

function explain(file: string, cause: unknown, root: string): Explanation {
  const build = `run \`node "${join(root, "scripts/build-native.mjs")}"\``;
  const named = process.env.TSUMUGI_ADDON_PATH;
  if (cause === undefined && named !== undefined) {
    const hint = `Correct TSUMUGI_ADDON_PATH, or unset it and ${build}`;
    return { kind: "path", reason: `and TSUMUGI_ADDON_PATH names ${file}, which does not exist`, hint };
  }
  const record = readRecord(root);
  if (cause !== undefined) return explainLoading(cause, record, build);
  const log = join(root, "native/build/build.log");
  switch (record?.outcome) {
    case "tools": {
      const missing = texts(record.missing);
      const reason = `which could not be built here: not found on this machine: ${missing.join(", ")}`;
      return { kind: "no_compiler", reason, hint: `Install it (${howToInstall(missing)}), then ${build}` };
    }
    case "failed": {
      const reason = `whose build failed: ${String(record.summary)} (the whole log: ${log})`;
      const lines = ["The last lines of the build:", ...texts(record.lastLines)];
      const hint = `Mend what the log names (g++ 12 or newer is known to work), then ${build}`;
      return { kind: "build_failed", reason, hint, log: `\n${lines.join("\n  ")}` };
    }
    case "started": {
      const reason = "whose build was interrupted, or is still under way";
      return { kind: "build_interrupted", reason, hint: capital(build) };
    }
    case "built":
      return { kind: "not_loadable", reason: `which was built as ${file} and is gone`, hint: capital(build) };
    default: {
      const reason =
        "which was never built: the package's install script did not run (--ignore-scripts, or a package manager that asks first)";
      const allow = "`pnpm approve-builds`, `npm install-scripts approve tsumugi` and `bun pm trust tsumugi` allow the script";
      return { kind: "scripts_blocked", reason, hint: `${capital(build)} (${allow})` };
    }
  }
}

function explainLoading(cause: unknown, record: BuildRecord | undefined, build: string): Explanation {
  const { platform, arch } = record ?? {};
  const isForeign = platform !== undefined && (platform !== process.platform || arch !== process.arch);
  const here = `${process.platform} ${process.arch}`;
  const why = isForeign ? `: it was built for ${platform} ${arch}, and this is ${here}` : "";
  const said = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  const hint = `${capital(build).slice(0, -1)} --force\` on this machine`;
  return { kind: "not_loadable", reason: `which cannot be loaded${why} (${said})`, hint };
}

function readRecord(root: string): BuildRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(root, "native/build/record.json"), "utf8"));
    return typeof record === "object" && record !== null ? record : undefined;
  } catch {
    return undefined; // no build has been tried, or its record is damaged
  }
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

function capital(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}

/** Package managers of Linux systems, by the names that /etc/os-release has for the system and for those it is like. */
const linuxCommands: readonly [pattern: RegExp, command: string][] = [
  [/debian|ubuntu/, "apt install g++ make python3"],
  [/fedora|rhel|centos|amzn/, "dnf install gcc-c++ make python3"],
  [/alpine/, "apk add g++ make python3"],
  [/arch/, "pacman -S gcc make python"],
  [/suse/, "zypper install gcc-c++ make python3"],
];

/** The command that installs the tools of a build on this system. */
function howToInstall(missing: readonly string[]): string {
  if (process.platform === "darwin") return "`xcode-select --install`";
  if (process.platform === "win32") {
    return '"Desktop development with C++" of the Visual Studio Build Tools, and Python from python.org';
  }
  const found = linuxCommands.find(([pattern]) => pattern.test(linuxNames()));
  if (found) return `\`${process.getuid?.() === 0 ? "" : "sudo "}${found[1]}\``;
  return missing.some((tool) => tool.startsWith("a compiler"))
    ? "g++ 12 or newer, or clang"
    : "g++ 12 or newer, make and python3";
}

function linuxNames(): string {
  try {
    const lines = readFileSync("/etc/os-release", "utf8").split("\n");
    return lines.filter((line) => /^ID(_LIKE)?=/.test(line)).join(" ");
  } catch {
    return "";
  }
}
