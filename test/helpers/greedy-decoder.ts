import type { Decoder, DecoderAction } from "../../src/engine/request.ts";

/** Appends the best token of each sequence until it has `maxLength` tokens, or an eos token comes. */
export function greedyDecoder(maxLength: number, eos: readonly number[] = []): Decoder {
  return {
    appendsPicks: true,
    groups: (sequences) => sequences.map((_, row) => ({ rows: [row], steps: [[]], pick: "argmax" as const, count: 1 })),
    next: (picks, sequences) =>
      sequences.map((sequence, index): DecoderAction => {
        const token = picks[index]?.tokens[0] as number;
        const finish = eos.includes(token) ? "eos" : sequence.tokens.length + 1 >= maxLength ? "length" : undefined;
        return { kind: "append", sequence, token, finish };
      }),
  };
}

/**
 * A little beam search over what the group's rows say: the best `beams` continuations of all live sequences together,
 * without running scores. It forks, drops and appends at every step.
 */
export function forkingDecoder(maxLength: number, beams: number): Decoder {
  return {
    groups: (sequences) => [
      { rows: sequences.map((_, row) => row), steps: sequences.map(() => []), pick: "top" as const, count: beams },
    ],
    next: ([picks], sequences) => {
      if (!picks) throw new Error("no picks");
      const actions: DecoderAction[] = [];
      const used = new Set<number>();
      picks.tokens.forEach((token, pick) => {
        const row = picks.rows[pick] as number;
        const sequence = sequences[row];
        if (!sequence) throw new Error(`no row ${row}`);
        const finish = sequence.tokens.length + 1 >= maxLength ? ("length" as const) : undefined;
        actions.push({ kind: used.has(row) ? "fork" : "append", sequence, token, finish });
        used.add(row);
      });
      sequences.forEach((sequence, row) => {
        if (!used.has(row)) actions.push({ kind: "drop", sequence });
      });
      return actions;
    },
  };
}
