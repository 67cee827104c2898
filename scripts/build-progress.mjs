/** Tells on stderr how far a build of C++ sources is: one line that changes on a terminal, a line for each quarter elsewhere. */

/** CPU seconds that all sources take together on a slow machine of today. */
const totalSeconds = 160;

/**
 * @param {number} files how many sources there are
 * @param {number} jobs how many are compiled at a time
 */
export function createBuildProgress(files, jobs, stream = process.stderr) {
  const minutes = Math.ceil(totalSeconds / jobs / 60);
  const what = "tsumugi: compiling the native addon";
  stream.write(`${what} (${files} C++ files, about ${minutes} ${minutes === 1 ? "minute" : "minutes"}; only this once) …\n`);
  const began = Date.now();
  let done = 0;
  let rest = "";

  const show = (name) => {
    done = Math.min(done + 1, files);
    const seconds = Math.round((Date.now() - began) / 1000);
    const line = `${what}: ${done} of ${files} files, ${seconds} s`;
    if (stream.isTTY) stream.write(`\r\x1b[2K${line} (${name})`);
    else if (done % Math.ceil(files / 4) === 0 && done < files) stream.write(`${line}\n`);
  };

  return {
    /** Takes what make or MSBuild prints: they name each source as they begin with it. */
    push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const name = /\bCXX\(target\)\s+\S*?([^/\s]+)\.o\s*$/.exec(line)?.[1] ?? /^\s*([\w-]+)\.cc\s*$/.exec(line)?.[1];
        if (name) show(name);
      }
    },
    end(failed) {
      if (stream.isTTY && done > 0) stream.write("\r\x1b[2K");
      if (!failed) stream.write(`tsumugi: the native addon took ${Math.round((Date.now() - began) / 1000)} s.\n`);
    },
  };
}
