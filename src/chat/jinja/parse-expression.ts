import type { BinaryOperator, CallArguments, CompareOperator, Expression, FilterNode, Target } from "./ast.ts";
import { describe, type TokenStream } from "./token-stream.ts";

/** How deep expressions may be nested. Python's own parser stops at 200 brackets. */
const deepest = 200;
/** How many operators, members or filters may follow each other: each is one level deeper. */
const longestChain = 1000;

const comparisons: readonly string[] = ["==", "!=", "<", "<=", ">", ">="];
const constants: { readonly [name: string]: boolean | null } = {
  ...{ true: true, True: true, false: false, False: false },
  ...{ none: null, None: null },
};

/** Parses expressions, by the precedence that Jinja2 gives its operators. */
export class ExpressionParser {
  readonly stream: TokenStream;
  #depth = 0;

  constructor(stream: TokenStream) {
    this.stream = stream;
  }

  /** An expression; `conditional` false: without `… if … else …`. */
  expression(conditional = true): Expression {
    this.#depth += 1;
    if (this.#depth > deepest) throw this.stream.fail(`expressions are nested more than ${deepest} deep`);
    const parsed = conditional ? this.#conditional() : this.#or();
    this.#depth -= 1;
    return parsed;
  }

  /** An expression, or several with commas between them: a tuple. `ends`: names that may follow it. */
  tuple(options: { conditional?: boolean; ends?: readonly string[]; parenthesised?: boolean } = {}): Expression {
    const { conditional = true, ends = [], parenthesised = false } = options;
    const { items, isTuple } = this.#list(() => this.expression(conditional), ends);
    if (!isTuple) {
      if (items.length > 0) return items[0] as Expression;
      if (!parenthesised) throw this.stream.fail(`Expected an expression, got '${describe(this.stream.current)}'`);
    }
    return { type: "Tuple", items };
  }

  #list<Item>(parse: () => Item, ends: readonly string[]): { items: Item[]; isTuple: boolean } {
    const { stream } = this;
    const items: Item[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) stream.expect("operator", ",");
      const { type } = stream.current;
      if (type === "variable_end" || type === "block_end" || stream.isOperator(")") || stream.isName(...ends)) break;
      items.push(parse());
      if (!stream.isOperator(",")) break;
      isTuple = true;
    }
    return { items, isTuple };
  }

  /** What is assigned to: a name, names with commas, or the attribute of a namespace. */
  target(options: { ends?: readonly string[]; withNamespace?: boolean } = {}): Target {
    const { ends = [], withNamespace = false } = options;
    const { items, isTuple } = this.#list(() => this.#targetItem(withNamespace), ends);
    if (isTuple) return { type: "Tuple", items };
    if (items.length === 0) throw this.stream.fail(`Expected an expression, got '${describe(this.stream.current)}'`);
    return items[0] as Target;
  }

  #targetItem(withNamespace: boolean): Target {
    const { stream } = this;
    if (stream.skipOperator("(")) {
      const { items, isTuple } = this.#list(() => this.#targetItem(withNamespace), []);
      stream.expect("operator", ")");
      return isTuple || items.length === 0 ? { type: "Tuple", items } : (items[0] as Target);
    }
    if (stream.current.type !== "name") throw stream.fail(`can't assign to '${describe(stream.current)}'`);
    const { text } = stream.next();
    if (text in constants) throw stream.fail("can't assign to 'const'");
    if (withNamespace && stream.skipOperator(".")) {
      return { type: "NamespaceReference", name: text, attribute: stream.expect("name").text };
    }
    return { type: "Name", name: text, context: "store" };
  }

  /** Counts one more link of a chain. */
  #link(length: number): number {
    if (length >= longestChain)
      throw this.stream.fail(`more than ${longestChain} operators, members or filters follow each other`);
    return length + 1;
  }

  #conditional(): Expression {
    let parsed = this.#or();
    for (let length = 0; this.stream.skipName("if"); length = this.#link(length)) {
      const test = this.#or();
      const otherwise = this.stream.skipName("else") ? this.expression() : undefined;
      parsed = { type: "Conditional", test, value: parsed, otherwise };
    }
    return parsed;
  }

  #or(): Expression {
    let left = this.#and();
    for (let length = 0; this.stream.skipName("or"); length = this.#link(length))
      left = { type: "Or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    for (let length = 0; this.stream.skipName("and"); length = this.#link(length))
      left = { type: "And", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    let count = 0;
    while (this.stream.skipName("not")) count += 1;
    let parsed = this.#comparison();
    for (let i = 0; i < Math.min(count, 2 - (count % 2)); i++) parsed = { type: "Not", operand: parsed };
    return parsed;
  }

  #comparison(): Expression {
    const { stream } = this;
    const first = this.#sum();
    const rest: { operator: CompareOperator; operand: Expression }[] = [];
    for (;;) {
      let operator: CompareOperator;
      if (stream.isOperator(...comparisons)) operator = stream.next().text as CompareOperator;
      else if (stream.skipName("in")) operator = "in";
      else if (stream.isName("not") && stream.look().type === "name" && stream.look().text === "in") {
        stream.next();
        stream.next();
        operator = "not in";
      } else break;
      rest.push({ operator, operand: this.#sum() });
    }
    return rest.length === 0 ? first : { type: "Compare", first, rest };
  }

  #binary(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    for (let length = 0; this.stream.isOperator(...operators); length = this.#link(length)) {
      const operator = this.stream.next().text as BinaryOperator;
      left = { type: "Binary", operator, left, right: operand() };
    }
    return left;
  }

  #sum(): Expression {
    return this.#binary(["+", "-"], () => this.#concatenation());
  }

  #concatenation(): Expression {
    const items = [this.#product()];
    while (this.stream.skipOperator("~")) items.push(this.#product());
    return items.length === 1 ? (items[0] as Expression) : { type: "Concat", items };
  }

  #product(): Expression {
    return this.#binary(["*", "/", "//", "%"], () => this.#binary(["**"], () => this.#unary(true)));
  }

  #unary(withFilter: boolean): Expression {
    const { stream } = this;
    this.#depth += 1;
    if (this.#depth > deepest) throw stream.fail(`expressions are nested more than ${deepest} deep`);
    let parsed: Expression;
    if (stream.isOperator("-", "+")) {
      const operator = stream.next().text as "-" | "+";
      parsed = { type: "Unary", operator, operand: this.#unary(false) };
    } else parsed = this.#primary();
    parsed = this.#postfix(parsed);
    this.#depth -= 1;
    return withFilter ? this.#filtered(parsed) : parsed;
  }

  #primary(): Expression {
    const { stream } = this;
    const token = stream.current;
    switch (token.type) {
      case "name":
        stream.next();
        if (Object.hasOwn(constants, token.text)) return { type: "Constant", value: constants[token.text] as boolean | null };
        return { type: "Name", name: token.text, context: "load" };
      case "string": {
        let value = "";
        while (stream.current.type === "string") value += stream.next().text;
        return { type: "Constant", value };
      }
      case "number":
        stream.next();
        return { type: "Constant", value: token.value ?? null };
    }
    if (stream.skipOperator("(")) {
      const parsed = this.tuple({ parenthesised: true });
      stream.expect("operator", ")");
      return parsed;
    }
    if (stream.skipOperator("[")) return { type: "List", items: this.#items("]", () => this.expression()) };
    if (stream.skipOperator("{")) {
      const pair = () => {
        const key = this.expression();
        stream.expect("operator", ":");
        return { key, value: this.expression() };
      };
      return { type: "Dict", items: this.#items("}", pair) };
    }
    throw stream.fail(`unexpected '${describe(token)}'`);
  }

  #items<Item>(close: string, parse: () => Item): Item[] {
    const items: Item[] = [];
    while (!this.stream.isOperator(close)) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.stream.isOperator(close)) break;
      items.push(parse());
    }
    this.stream.expect("operator", close);
    return items;
  }

  #postfix(from: Expression): Expression {
    let parsed = from;
    for (let length = 0; ; length = this.#link(length)) {
      if (this.stream.skipOperator(".")) parsed = this.#member(parsed);
      else if (this.stream.skipOperator("[")) parsed = this.#subscript(parsed);
      else if (this.stream.isOperator("(")) parsed = { type: "Call", callee: parsed, ...this.callArguments() };
      else return parsed;
    }
  }

  #member(target: Expression): Expression {
    const token = this.stream.next();
    if (token.type === "name") return { type: "Attribute", target, name: token.text };
    if (token.type !== "number" || typeof token.value !== "number")
      throw this.stream.fail("expected name or number", token.line);
    return { type: "Item", target, key: { type: "Constant", value: token.value } };
  }

  #subscript(target: Expression): Expression {
    const keys: Expression[] = [];
    while (!this.stream.isOperator("]")) {
      if (keys.length > 0) this.stream.expect("operator", ",");
      keys.push(this.#subscriptItem());
    }
    this.stream.expect("operator", "]");
    return { type: "Item", target, key: keys.length === 1 ? (keys[0] as Expression) : { type: "Tuple", items: keys } };
  }

  #subscriptItem(): Expression {
    const { stream } = this;
    const isEnd = () => stream.isOperator(":", "]", ",");
    const start = stream.isOperator(":") ? undefined : this.expression();
    if (!stream.skipOperator(":")) return start as Expression;
    const stop = isEnd() ? undefined : this.expression();
    const step = stream.skipOperator(":") && !isEnd() ? this.expression() : undefined;
    return { type: "Slice", start, stop, step };
  }

  #filtered(from: Expression): Expression {
    let parsed = from;
    for (let length = 0; ; length = this.#link(length)) {
      if (this.stream.isOperator("|")) parsed = this.filters(parsed) as FilterNode;
      else if (this.stream.isName("is")) parsed = this.#test(parsed);
      else if (this.stream.isOperator("(")) parsed = { type: "Call", callee: parsed, ...this.callArguments() };
      else return parsed;
    }
  }

  /** `| name(…) | name(…)`; `inline`: the first bar is not there, as in `{% filter name %}`. */
  filters(from: Expression | undefined, inline = false): FilterNode | undefined {
    let parsed = from;
    let length = 0;
    for (let first = inline; first || this.stream.isOperator("|"); first = false) {
      length = this.#link(length);
      if (!first) this.stream.next();
      const { line } = this.stream.current;
      const name = this.#dottedName();
      const given = this.stream.isOperator("(") ? this.callArguments() : noArguments();
      parsed = { type: "Filter", target: parsed, name, line, ...given };
    }
    return parsed as FilterNode | undefined;
  }

  #dottedName(): string {
    let name = this.stream.expect("name").text;
    while (this.stream.skipOperator(".")) name += `.${this.stream.expect("name").text}`;
    return name;
  }

  #test(target: Expression): Expression {
    const { stream } = this;
    const { line } = stream.next();
    const isNegated = stream.skipName("not");
    const name = this.#dottedName();
    let given = noArguments();
    const { type } = stream.current;
    if (stream.isOperator("(")) given = this.callArguments();
    else if (
      (type === "string" || type === "number" || type === "name" || stream.isOperator("[", "{")) &&
      !stream.isName("else", "or", "and")
    ) {
      if (stream.isName("is")) throw stream.fail("You cannot chain multiple tests with is");
      given.positional.push(this.#postfix(this.#primary()));
    }
    const parsed: Expression = { type: "Test", target, name, line, ...given };
    return isNegated ? { type: "Not", operand: parsed } : parsed;
  }

  /** `(a, b, name=c, *rest, **more)`. */
  callArguments(): CallArguments {
    const { stream } = this;
    const { line } = stream.expect("operator", "(");
    const given = noArguments();
    const ensure = (isRight: boolean) => {
      if (!isRight) throw stream.fail("invalid syntax for function call expression", line);
    };
    for (let first = true; !stream.isOperator(")"); first = false) {
      if (!first) {
        stream.expect("operator", ",");
        if (stream.isOperator(")")) break;
      }
      if (stream.skipOperator("*")) {
        ensure(!given.rest && !given.namedRest);
        given.rest = this.expression();
      } else if (stream.skipOperator("**")) {
        ensure(!given.namedRest);
        given.namedRest = this.expression();
      } else if (stream.current.type === "name" && stream.look().type === "operator" && stream.look().text === "=") {
        ensure(!given.namedRest);
        const name = stream.next().text;
        stream.next();
        if (given.named.some((each) => each.name === name)) throw stream.fail(`keyword argument repeated: ${name}`, line);
        given.named.push({ name, value: this.expression() });
      } else {
        ensure(!given.rest && !given.namedRest && given.named.length === 0);
        given.positional.push(this.expression());
      }
    }
    stream.expect("operator", ")");
    return given;
  }
}

function noArguments(): CallArguments {
  return { positional: [], named: [], rest: undefined, namedRest: undefined };
}
