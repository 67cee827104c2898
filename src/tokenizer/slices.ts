/** How long work goes on before others get their turn, in milliseconds, if nothing else is said. */
const shortSlice = 8;

/** Milliseconds of a slice of loading. Few slices, since every turn costs a millisecond where nothing else waits. */
export const loadingSlice = 20;

/** Runs a generator to its end at once. */
export function finished<Result>(work: Generator<void, Result>): Result {
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

/** Runs a generator to its end in slices of some milliseconds, with turns of the event loop between them. */
export async function inSlices<Result>(work: Generator<void, Result>, sliceLength = shortSlice): Promise<Result> {
  let until = performance.now() + sliceLength;
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < until) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    until = performance.now() + sliceLength;
  }
}
