import { TsumugiError } from "../errors.ts";
import type {
  AttributeValue,
  Dimension,
  EncodeProgram,
  ModulePart,
  Program,
  ProgramOp,
  ProgramValue,
  State,
  StateReference,
  ValueType,
  Weight,
  WeightOrigin,
  WeightUse,
} from "../ops/program.ts";
import { type AttributesOf, type OpName, opDefinition } from "../ops/registry.ts";
import { elementCount } from "../tensor/dtype.ts";
import { isOfModule } from "./module-part.ts";

/** A value of the program being built. */
export interface Value {
  readonly id: number;
  readonly shape: readonly Dimension[];
}

export interface WeightRequest {
  /** The module's parameter, e.g. "model.norm.weight". */
  name: string;
  shape: readonly number[];
  /** Default: the whole tensor of the same name. */
  from?: readonly WeightOrigin[];
  join?: "concat" | "stack";
  /** Other layouts: what `from` may be instead. */
  alternatives?: readonly (readonly WeightOrigin[])[];
  use: WeightUse;
  /** "float32": a vector that is never rounded. */
  type?: "float32";
}

export interface OpRequest<Name extends OpName = OpName> {
  module: string;
  part?: ModulePart;
  /** The tensor that is the op's matrix, when it is another module's: a tied head. */
  tiedTo?: string;
  inputs?: readonly Value[];
  /** Ids from `weight()`; undefined for an optional weight that is absent. */
  weights?: readonly (number | undefined)[];
  state?: StateReference;
  attributes?: AttributesOf<Name>;
  /** Types of the outputs. Default: all "activation". */
  types?: readonly ValueType[];
}

/** Collects the ops, weights and states that layers emit, and checks every shape on the way. */
export class ProgramBuilder {
  readonly weights: Weight[];
  readonly states: State[];
  readonly #values: ProgramValue[] = [];
  readonly #ops: ProgramOp[] = [];
  readonly #weightIds: Map<string, number>;
  #layer: number | undefined;

  /** `beside`: another program of the same model, with which weights and states are shared. */
  constructor(beside?: ProgramBuilder) {
    this.weights = beside?.weights ?? [];
    this.states = beside?.states ?? [];
    this.#weightIds = beside ? beside.#weightIds : new Map();
  }

  /** Length above which heads turn with other frequencies (longrope), if there is one. */
  get rotarySwitch(): number | undefined {
    const lengths = this.#ops.map(({ attributes }) => attributes.longLength).filter((length) => typeof length === "number");
    return lengths.length > 0 ? Math.min(...lengths) : undefined;
  }

  /**
   * The layers of a stack, 0 to count − 1, for a loop: the ops that the loop's body emits belong to that layer.
   *
   * @example
   * ```ts
   * for (const layer of program.layers(config.numHiddenLayers)) x = decoderLayer(program, x, layer);
   * ```
   */
  *layers(count: number): Generator<number, void, undefined> {
    try {
      for (let layer = 0; layer < count; layer++) {
        this.#layer = layer;
        yield layer;
      }
    } finally {
      this.#layer = undefined;
    }
  }

  /** Appends an op; its outputs have the shapes that the op's shape rule gives. */
  emit<Name extends OpName>(op: Name, request: OpRequest<Name>): Value[] {
    const { module, part, tiedTo, inputs = [], weights = [], state } = request;
    for (const id of weights) {
      const weight = id === undefined ? undefined : this.weights[id]!;
      if (weight && !isOfModule(weight, module, part, tiedTo)) {
        throw new TsumugiError("internal", { what: `the matrix ${weight.name} of ${op} is not of its module ${module}` });
      }
    }
    const attributes = Object.fromEntries(
      Object.entries<AttributeValue>(request.attributes ?? {}).filter(([, value]) => value !== undefined),
    );
    const shapes = opDefinition(op).shapes(
      inputs.map((value) => value.shape),
      weights.map((id) => (id === undefined ? undefined : this.weights[id]!.shape)),
      attributes,
    );
    const outputs = shapes.map((shape, index): Value => {
      this.#values.push({ shape, type: request.types?.[index] ?? "activation" });
      return { id: this.#values.length - 1, shape };
    });
    this.#ops.push({
      op,
      module,
      ...(part && { part }),
      ...(this.#layer !== undefined && { layer: this.#layer }),
      inputs: inputs.map((value) => value.id),
      outputs: outputs.map((value) => value.id),
      weights: weights.map((id) => id ?? -1),
      ...(state && { state }),
      attributes,
    });
    return outputs;
  }

  /** `emit` for an op with one output. */
  value<Name extends OpName>(op: Name, request: OpRequest<Name>): Value {
    return this.emit(op, request)[0]!;
  }

  /** The id of a weight. Asking again under one name adds a use: a tied head is one weight with two uses. */
  weight({ name, shape, from, join, alternatives, use, type }: WeightRequest): number {
    const known = this.#weightIds.get(name);
    if (known !== undefined) {
      const weight = this.weights[known]!;
      if (weight.shape.join() !== shape.join()) {
        throw new TsumugiError("internal", { what: `weight ${name} was asked for as [${weight.shape}] and as [${shape}]` });
      }
      if (!weight.uses.includes(use)) this.weights[known] = { ...weight, uses: [...weight.uses, use] };
      return known;
    }
    if (
      !shape.every((dimension) => Number.isInteger(dimension) && dimension > 0) ||
      !Number.isSafeInteger(elementCount(shape))
    ) {
      throw new TsumugiError("config_invalid", { field: `shape of ${name}`, expected: "positive integers", given: shape });
    }
    const origins = from ?? [{ tensor: name }];
    this.weights.push({
      name,
      shape,
      from: origins,
      ...((origins.length > 1 || join === "stack") && { join: join ?? "concat" }),
      ...(alternatives && { alternatives }),
      ...(type && { type }),
      uses: [use],
    });
    this.#weightIds.set(name, this.weights.length - 1);
    return this.weights.length - 1;
  }

  /**
   * Adds key and value parts of one layer to the paged state of its window. Layers with one window share a state, so
   * that one block table serves them all. Asking again for a module gives the same parts.
   */
  cache(
    module: string,
    window: number | undefined,
    keyShape: readonly number[],
    valueShape: readonly number[],
  ): StateReference {
    let state = this.states.findIndex(({ kind, window: other }) => kind === "paged" && other === window);
    if (state < 0) {
      const name = window === undefined ? "cache" : `cache_window_${window}`;
      this.states.push({ name, kind: "paged", ...(window !== undefined && { window }), parts: [] });
      state = this.states.length - 1;
    }
    const { parts } = this.states[state]!;
    let key = parts.findIndex(({ name }) => name === `${module}.key`);
    if (key < 0) {
      key = parts.push({ name: `${module}.key`, shape: keyShape, type: "cache" }) - 1;
      parts.push({ name: `${module}.value`, shape: valueShape, type: "cache" });
    }
    return { state, parts: [key, key + 1] };
  }

  /**
   * Key and value parts of one layer in the cross state, which `encode` writes. Asking again for a module gives the same
   * parts. `type` "float32": not rounded to the cache's type.
   */
  cross(
    module: string,
    keyShape: readonly number[],
    valueShape: readonly number[],
    type: "cache" | "float32" = "cache",
  ): StateReference {
    let state = this.states.findIndex(({ kind }) => kind === "cross");
    if (state < 0) state = this.states.push({ name: "cross", kind: "cross", parts: [] }) - 1;
    const { parts } = this.states[state]!;
    let key = parts.findIndex(({ name }) => name === `${module}.key`);
    if (key < 0) {
      key = parts.push({ name: `${module}.key`, shape: keyShape, type }) - 1;
      parts.push({ name: `${module}.value`, shape: valueShape, type });
    }
    return { state, parts: [key, key + 1] };
  }

  /** One tensor of a layer in the slot state: `shape` for each sequence, kept in float32. */
  slot(name: string, shape: readonly number[]): StateReference {
    let state = this.states.findIndex(({ kind }) => kind === "slot");
    if (state < 0) state = this.states.push({ name: "slots", kind: "slot", parts: [] }) - 1;
    const { parts } = this.states[state]!;
    return { state, parts: [parts.push({ name, shape, type: "float32" }) - 1] };
  }

  /** The finished program of an encoder. */
  encodeProgram({ hidden }: { hidden: Value }): EncodeProgram {
    return { values: this.#values, ops: this.#ops, outputs: { hidden: hidden.id } };
  }

  /** The finished program. */
  program(outputs: { logits: Value; hidden: Value }): Program {
    const { logits, hidden } = outputs;
    this.#values[logits.id]!.type = "float32";
    return { values: this.#values, ops: this.#ops, outputs: { logits: logits.id, hidden: hidden.id } };
  }
}
