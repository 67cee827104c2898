import { leaseRandom, type RandomGenerator, type RandomLease, torchStream } from "../sampling/index.ts";

/** Waits for earlier calls on the generator, unless the call is aborted before its turn. */
export async function borrowRandom(
  generator: RandomGenerator | undefined,
  { seed, signal }: { seed?: number; signal?: AbortSignal },
): Promise<RandomLease> {
  const lease = generator ? generator.lease() : leaseRandom(seed);
  if (!signal) return lease;
  let detach = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    const onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    detach = () => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
  const winner = await Promise.race([lease, aborted]);
  detach();
  if (winner) return winner;
  lease.then(({ release }) => release(0));
  return { stream: torchStream(0), release: () => {} }; // nothing is drawn: the requests end at once
}
