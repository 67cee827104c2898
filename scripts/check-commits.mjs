/**
 * The rule of commit messages, over commits that are new: a subject of at most 72 characters, an empty line, and a body that says
 * why. Merges are left out. Without a range: what HEAD has over the branch it came from (origin/main or main); where there is no
 * history to compare with (a copy without git, a shallow clone), or nothing new, the check says so and passes.
 *
 *   node scripts/check-commits.mjs [RANGE]        RANGE as git writes it: main..HEAD
 */
import { spawnSync } from "node:child_process";
import { root } from "./ensure.mjs";

const limit = 72;
const range = process.argv[2] ?? newCommits();
if (!range) {
  console.log("no commits that are new, or no history to tell: no message is checked");
  process.exit(0);
}
const log = git("log", "--no-merges", "--format=%h%x00%B%x01", range);
if (log === undefined) {
  console.error(`tsumugi: git does not know the commits ${range}`);
  process.exit(1);
}
const commits = log
  .split("\x01")
  .map((entry) => entry.trim())
  .filter(Boolean);
const problems = commits.flatMap((entry) => {
  const [hash = "", message = ""] = entry.split("\0");
  return problemsOf(message.trimEnd()).map((problem) => `${hash} ${problem}`);
});
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? `${commits.length} new commits follow the rule` : `${problems.length} faults of messages`);
process.exit(problems.length === 0 ? 0 : 1);

/** @param {string} message */
function problemsOf(message) {
  const [subject = "", empty = "", ...body] = message.split("\n");
  const found = [];
  if (subject.length > limit) found.push(`the subject has ${subject.length} characters, at most ${limit}: ${subject}`);
  if (empty !== "") found.push(`the line after the subject must be empty: ${subject}`);
  if (!body.some((line) => line.trim() !== "")) found.push(`the body must say why: ${subject}`);
  return found;
}

/** The range from the newest commit that the branch shares with main; undefined where there is none, or HEAD is that commit. */
function newCommits() {
  for (const base of ["origin/main", "main"]) {
    const shared = git("merge-base", base, "HEAD");
    if (shared && shared !== git("rev-parse", "HEAD")) return `${shared}..HEAD`;
  }
  return undefined;
}

/** @param {string[]} given */
function git(...given) {
  const { status, stdout } = spawnSync("git", given, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
