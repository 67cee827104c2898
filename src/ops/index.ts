import { TsumugiError } from "../errors.ts";
import { activation } from "./activation.ts";
import { add } from "./add.ts";
import { attend } from "./attend.ts";
import { causalConvolution } from "./causal-convolution.ts";
import { clamp } from "./clamp.ts";
import { columns } from "./columns.ts";
import type { OpDefinition } from "./definition.ts";
import { embed } from "./embed.ts";
import { embedPosition } from "./embed-position.ts";
import { experts } from "./experts.ts";
import { gatedActivation } from "./gated-activation.ts";
import { gatedDelta } from "./gated-delta.ts";
import { gaussianCut } from "./gaussian-cut.ts";
import { headLinear } from "./head-linear.ts";
import { joinHeads } from "./join-heads.ts";
import { layerNorm } from "./layer-norm.ts";
import { linear } from "./linear.ts";
import { matchMagnitude } from "./match-magnitude.ts";
import { multiply } from "./multiply.ts";
import { rmsNorm } from "./rms-norm.ts";
import { rotary } from "./rotary.ts";
import { route } from "./route.ts";
import { rows } from "./rows.ts";
import { scale } from "./scale.ts";
import { scaleByPosition } from "./scale-by-position.ts";
import { scaleRows } from "./scale-rows.ts";
import { selectiveScan } from "./selective-scan.ts";
import { store } from "./store.ts";
import { wavePosition } from "./wave-position.ts";
import { weightedSum } from "./weighted-sum.ts";
import { xielu } from "./xielu.ts";

/** Every op, one line each. */
const definitions: readonly OpDefinition[] = [
  activation,
  add,
  attend,
  causalConvolution,
  clamp,
  columns,
  embed,
  embedPosition,
  experts,
  gatedActivation,
  gatedDelta,
  gaussianCut,
  headLinear,
  joinHeads,
  layerNorm,
  linear,
  matchMagnitude,
  multiply,
  rmsNorm,
  rotary,
  route,
  rows,
  scale,
  scaleByPosition,
  scaleRows,
  selectiveScan,
  store,
  wavePosition,
  weightedSum,
  xielu,
];

/** The op registry, by name. */
export const ops: ReadonlyMap<string, OpDefinition> = new Map(definitions.map((definition) => [definition.name, definition]));

/** The definition of an op; throws `op_unknown`. */
export function opDefinition(name: string): OpDefinition {
  const definition = ops.get(name);
  if (!definition) throw new TsumugiError("op_unknown", { op: name, known: [...ops.keys()].join(", ") });
  return definition;
}
