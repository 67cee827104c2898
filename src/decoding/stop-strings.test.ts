import { describe, expect, test } from "vitest";
import { StopStrings } from "./stop-strings.ts";

const utf8 = new TextEncoder();
const pieces = ["", "He", "llo", " wor", "ld! Bye", "llo wo", "X"].map((text) => utf8.encode(text));
const cat = utf8.encode("猫"); // split over tokens 10 and 11
const bytesOf = (id: number) => (id === 10 ? cat.slice(0, 2) : id === 11 ? cat.slice(2) : pieces[id]!);
const run = (strings: string[], tokens: number[], prompt: number[] = []) => {
  const stops = new StopStrings(strings, bytesOf, prompt);
  return tokens.map((token) => stops.accept(token));
};

describe("StopStrings", () => {
  test("a string over several tokens ends in the last of them", () => {
    expect(run(["Hello world"], [1, 2, 3, 4])).toEqual([false, false, false, true]);
  });

  test("the newest token may go on behind the string", () => {
    expect(run(["ld!"], [1, 4])).toEqual([false, true]);
    expect(run(["llo"], [1, 5])).toEqual([false, true]);
  });

  test("a match may begin in the prompt, but not end there", () => {
    expect(run(["Hello"], [2], [1])).toEqual([true]);
    expect(run(["Hello"], [6, 3], [1, 2])).toEqual([false, false]);
  });

  test("a token without bytes never matches", () => {
    expect(run(["llo"], [2, 0])).toEqual([true, false]);
  });

  test("characters split over tokens are found", () => {
    expect(run(["猫"], [10, 11])).toEqual([false, true]);
    expect(run(["猫"], [11, 10])).toEqual([false, false]);
  });

  test("any of several strings", () => {
    expect(run(["zzz", " wor"], [1, 2, 3])).toEqual([false, false, true]);
  });

  test("a fork goes on by itself", () => {
    const stops = new StopStrings(["Hello"], bytesOf);
    stops.accept(1);
    const fork = stops.fork();
    expect(stops.accept(6)).toBe(false);
    expect(fork.accept(2)).toBe(true);
    expect(stops.accept(2)).toBe(false);
  });
});
