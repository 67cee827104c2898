import type { Value } from "./values.ts";

/** A name that is read, assigned, or declared by a macro or `with`. */
export interface Name {
  type: "Name";
  name: string;
  context: "load" | "store" | "parameter";
}

export interface NamespaceReference {
  type: "NamespaceReference";
  name: string;
  attribute: string;
}

export interface CallArguments {
  positional: Expression[];
  named: { name: string; value: Expression }[];
  /** `*values` and `**values`. */
  rest: Expression | undefined;
  namedRest: Expression | undefined;
}

export interface FilterNode extends CallArguments {
  type: "Filter";
  /** Absent in `{% filter %}` and `{% set %}` blocks: the block's text. */
  target: Expression | undefined;
  name: string;
  line: number;
}

export interface TestNode extends CallArguments {
  type: "Test";
  target: Expression;
  name: string;
  line: number;
}

export interface CallNode extends CallArguments {
  type: "Call";
  callee: Expression;
}

export interface SliceNode {
  type: "Slice";
  start: Expression | undefined;
  stop: Expression | undefined;
  step: Expression | undefined;
}

export interface TupleNode {
  type: "Tuple";
  items: Expression[];
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";
export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export type Expression =
  | { type: "Constant"; value: Value }
  | Name
  | NamespaceReference
  | TupleNode
  | { type: "List"; items: Expression[] }
  | { type: "Dict"; items: { key: Expression; value: Expression }[] }
  | { type: "Binary"; operator: BinaryOperator; left: Expression; right: Expression }
  | { type: "Unary"; operator: "-" | "+"; operand: Expression }
  | { type: "Not"; operand: Expression }
  | { type: "And" | "Or"; left: Expression; right: Expression }
  | { type: "Concat"; items: Expression[] }
  | { type: "Compare"; first: Expression; rest: { operator: CompareOperator; operand: Expression }[] }
  | { type: "Conditional"; test: Expression; value: Expression; otherwise: Expression | undefined }
  | { type: "Attribute"; target: Expression; name: string }
  | { type: "Item"; target: Expression; key: Expression }
  | SliceNode
  | FilterNode
  | TestNode
  | CallNode;

export type Target = Name | NamespaceReference | TupleNode;

export interface Parameters {
  names: Name[];
  /** Defaults of the last parameters. */
  defaults: Expression[];
}

export interface ForNode {
  type: "For";
  target: Target;
  iterable: Expression;
  test: Expression | undefined;
  recursive: boolean;
  body: Statement[];
  otherwise: Statement[];
}

export interface IfNode {
  type: "If";
  branches: { test: Expression; body: Statement[] }[];
  otherwise: Statement[];
}

export interface MacroNode extends Parameters {
  type: "Macro";
  name: string;
  body: Statement[];
}

export interface CallBlockNode extends Parameters {
  type: "CallBlock";
  call: CallNode;
  body: Statement[];
}

export interface BlockNode {
  type: "Block";
  name: string;
  scoped: boolean;
  required: boolean;
  body: Statement[];
}

/** A statement; `line` is where it begins, from 1. */
export type Statement = { line: number } & (
  | { type: "Output"; items: (string | Expression)[] }
  | { type: "Assign"; target: Target; value: Expression }
  | { type: "AssignBlock"; target: Target; filter: FilterNode | undefined; body: Statement[] }
  | ForNode
  | IfNode
  | MacroNode
  | CallBlockNode
  | { type: "Generation"; body: Statement[] }
  | { type: "FilterBlock"; filter: FilterNode; body: Statement[] }
  | { type: "With"; targets: Target[]; values: Expression[]; body: Statement[] }
  | { type: "AutoEscape"; value: Expression; body: Statement[] }
  | BlockNode
  | { type: "Break" | "Continue" }
  | { type: "Load"; tag: string; template: Expression; stores: string[] }
);
