import { expect, test } from "vitest";
import { PieceQueue } from "./piece-queue.ts";

const done = { done: true, value: undefined };

test("pieces come out in order, to a reader who waits and to one who comes late", async () => {
  const queue = new PieceQueue();
  const early = [queue.next(), queue.next(), queue.next()];
  queue.push("a");
  queue.push("b");
  queue.end();
  expect(await Promise.all(early)).toEqual([{ done: false, value: "a" }, { done: false, value: "b" }, done]);
  expect(await queue.next()).toEqual(done);
});

test("a failure is thrown once, behind the pieces that came before it", async () => {
  const queue = new PieceQueue();
  queue.push("a");
  queue.end({ error: new Error("broken") });
  expect(await queue.next()).toEqual({ done: false, value: "a" });
  await expect(queue.next()).rejects.toThrow("broken");
  expect(await queue.next()).toEqual(done);
});

test("a reader who closes gets no more pieces", async () => {
  const queue = new PieceQueue();
  queue.push("a");
  queue.close();
  expect(await queue.next()).toEqual(done);
});
