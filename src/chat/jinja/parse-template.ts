import type { BlockNode, CallNode, Expression, IfNode, Name, Parameters, Statement, Target } from "./ast.ts";
import { Lexer } from "./lexer.ts";
import { ExpressionParser } from "./parse-expression.ts";
import { TokenStream } from "./token-stream.ts";

/** How deep blocks may be nested. Python, which Jinja2 compiles to, stops at 20 loops. */
const deepest = 100;

/** A statement without its line. */
type Bare = Statement extends infer Each ? (Each extends { line: number } ? Omit<Each, "line"> : never) : never;

/** Parses a whole template. Errors are `TemplateFault`s with the line. */
export function parseTemplate(template: string): Statement[] {
  return new TemplateParser(new TokenStream(new Lexer(template).tokens())).parse();
}

class TemplateParser {
  readonly #stream: TokenStream;
  readonly #expressions: ExpressionParser;
  /** Tags that are open, and what ends the innermost one. */
  readonly #open: { tag: string; ends: readonly string[] }[] = [];

  constructor(stream: TokenStream) {
    this.#stream = stream;
    this.#expressions = new ExpressionParser(stream);
  }

  parse(): Statement[] {
    return this.#statements([]);
  }

  #statements(ends: readonly string[]): Statement[] {
    const stream = this.#stream;
    const body: Statement[] = [];
    let items: (string | Expression)[] = [];
    let line = stream.current.line;
    const flush = () => {
      if (items.length > 0) body.push({ type: "Output", items, line });
      items = [];
    };
    for (;;) {
      const { type, text } = stream.current;
      // a statement for each line, so that errors name theirs
      if (type === "variable_begin" && stream.current.line !== line) flush();
      if (items.length === 0) line = stream.current.line;
      if (type === "data") {
        items.push(text);
        stream.next();
      } else if (type === "variable_begin") {
        stream.next();
        items.push(this.#expressions.tuple());
        stream.expect("variable_end");
      } else {
        flush();
        if (type === "eof") {
          if (ends.length > 0) throw this.#unknown(undefined);
          return body;
        }
        const begin = stream.next();
        if (stream.isName(...ends)) return body;
        body.push({ ...this.#statement(), line: begin.line } as Statement);
        stream.expect("block_end");
      }
    }
  }

  /** The body of a block up to one of its end tags, whose name is the current token then. */
  #body(ends: readonly string[]): Statement[] {
    const open = this.#open[this.#open.length - 1] as { ends: readonly string[] };
    open.ends = ends;
    this.#stream.skipOperator(":");
    this.#stream.expect("block_end");
    return this.#statements(ends);
  }

  /** `#body`, and the one end tag behind it. */
  #bodyTo(end: string): Statement[] {
    const body = this.#body([end]);
    this.#stream.next();
    return body;
  }

  #statement(): Bare {
    const stream = this.#stream;
    if (stream.current.type !== "name") throw stream.fail("tag name expected");
    const tag = stream.current.text;
    const parse = this.#tags[tag];
    if (!parse || !Object.hasOwn(this.#tags, tag)) throw this.#unknown(tag);
    this.#open.push({ tag, ends: [] });
    if (this.#open.length > deepest) throw stream.fail(`blocks are nested more than ${deepest} deep`);
    stream.next();
    const statement = parse();
    this.#open.pop();
    return statement;
  }

  readonly #tags: { readonly [tag: string]: () => Bare } = {
    set: () => this.#set(),
    for: () => this.#for(),
    if: () => this.#if(),
    macro: () => {
      const name = this.#name();
      return { type: "Macro", name, ...this.#parameters(), body: this.#bodyTo("endmacro") };
    },
    call: () => this.#call(),
    filter: () => {
      const filter = this.#expressions.filters(undefined, true);
      if (!filter) throw this.#stream.fail("a filter is expected");
      return { type: "FilterBlock", filter, body: this.#bodyTo("endfilter") };
    },
    with: () => this.#with(),
    autoescape: () => ({
      type: "AutoEscape",
      value: this.#expressions.expression(),
      body: this.#bodyTo("endautoescape"),
    }),
    block: () => this.#block(),
    print: () => this.#print(),
    generation: () => ({ type: "Generation", body: this.#bodyTo("endgeneration") }),
    break: () => ({ type: "Break" }),
    continue: () => ({ type: "Continue" }),
    extends: () => ({ type: "Load", tag: "extends", template: this.#expressions.expression(), stores: [] }),
    include: () => this.#load("include"),
    import: () => this.#load("import"),
    from: () => this.#load("from"),
  };

  #name(): string {
    return this.#stream.expect("name").text;
  }

  #set(): Bare {
    const target = this.#expressions.target({ withNamespace: true });
    if (this.#stream.skipOperator("=")) return { type: "Assign", target, value: this.#expressions.tuple() };
    const filter = this.#expressions.filters(undefined);
    return { type: "AssignBlock", target, filter, body: this.#bodyTo("endset") };
  }

  #for(): Bare {
    const stream = this.#stream;
    const target = this.#expressions.target({ ends: ["in"] });
    stream.expect("name", "in");
    const iterable = this.#expressions.tuple({ conditional: false, ends: ["recursive"] });
    const test = stream.skipName("if") ? this.#expressions.expression() : undefined;
    const recursive = stream.skipName("recursive");
    const body = this.#body(["endfor", "else"]);
    const otherwise = stream.next().text === "else" ? this.#bodyTo("endfor") : [];
    return { type: "For", target, iterable, test, recursive, body, otherwise };
  }

  #if(): Bare {
    const branches: IfNode["branches"] = [];
    for (;;) {
      const test = this.#expressions.tuple({ conditional: false });
      branches.push({ test, body: this.#body(["elif", "else", "endif"]) });
      const { text } = this.#stream.next();
      if (text === "elif") continue;
      return { type: "If", branches, otherwise: text === "else" ? this.#bodyTo("endif") : [] };
    }
  }

  #parameters(): Parameters {
    const stream = this.#stream;
    const names: Name[] = [];
    const known = new Set<string>();
    const defaults: Expression[] = [];
    stream.expect("operator", "(");
    while (!stream.isOperator(")")) {
      if (names.length > 0) stream.expect("operator", ",");
      const name = this.#name();
      if (known.has(name)) throw stream.fail(`duplicate argument '${name}' in function definition`);
      known.add(name);
      names.push({ type: "Name", name, context: "parameter" });
      if (stream.skipOperator("=")) defaults.push(this.#expressions.expression());
      else if (defaults.length > 0) throw stream.fail("non-default argument follows default argument");
    }
    stream.expect("operator", ")");
    return { names, defaults };
  }

  #call(): Bare {
    const { line } = this.#stream.current;
    const parameters = this.#stream.isOperator("(") ? this.#parameters() : { names: [], defaults: [] };
    const call = this.#expressions.expression();
    if (call.type !== "Call") throw this.#stream.fail("expected call", line);
    return { type: "CallBlock", ...parameters, call: call as CallNode, body: this.#bodyTo("endcall") };
  }

  #with(): Bare {
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (this.#stream.current.type !== "block_end") {
      if (targets.length > 0) this.#stream.expect("operator", ",");
      targets.push(asParameter(this.#expressions.target()));
      this.#stream.expect("operator", "=");
      values.push(this.#expressions.expression());
    }
    return { type: "With", targets, values, body: this.#bodyTo("endwith") };
  }

  #block(): Bare {
    const stream = this.#stream;
    const name = this.#name();
    const scoped = stream.skipName("scoped");
    const required = stream.skipName("required");
    if (stream.isOperator("-")) {
      throw stream.fail(
        "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.",
      );
    }
    const body = this.#bodyTo("endblock");
    const isBlank = (statement: Statement) =>
      statement.type === "Output" && statement.items.every((item) => typeof item === "string" && item.trim() === "");
    if (required && !body.every(isBlank)) throw stream.fail("Required blocks can only contain comments or whitespace");
    stream.skipName(name);
    const block: BlockNode = { type: "Block", name, scoped, required, body };
    return block;
  }

  #print(): Bare {
    const items: Expression[] = [];
    while (this.#stream.current.type !== "block_end") {
      if (items.length > 0) this.#stream.expect("operator", ",");
      items.push(this.#expressions.expression());
    }
    return { type: "Output", items };
  }

  /** include, import and from: a chat template stands alone, so they fail when they run, as in transformers. */
  #load(tag: "include" | "import" | "from"): Bare {
    const stream = this.#stream;
    const template = this.#expressions.expression();
    const stores: string[] = [];
    if (tag === "include" && stream.isName("ignore") && stream.look().text === "missing") {
      stream.next();
      stream.next();
    }
    if (tag === "import") {
      stream.expect("name", "as");
      stores.push(this.#name());
    }
    if (tag === "from") {
      stream.expect("name", "import");
      do {
        if (this.#isContext()) break;
        const name = this.#name();
        if (name.startsWith("_")) throw stream.fail("names starting with an underline can not be imported");
        stores.push(stream.skipName("as") ? this.#name() : name);
      } while (stream.skipOperator(","));
    }
    if (this.#isContext()) {
      stream.next();
      stream.next();
    }
    return { type: "Load", tag, template, stores };
  }

  #isContext(): boolean {
    return this.#stream.isName("with", "without") && this.#stream.look().text === "context";
  }

  /** An unknown tag, or the end of the template inside a block. */
  #unknown(tag: string | undefined) {
    const innermost = this.#open[this.#open.length - 1];
    const looking = innermost?.ends.map((end) => `'${end}'`).join(" or ") ?? "";
    const parts = [tag === undefined ? "Unexpected end of template." : `Encountered unknown tag '${tag}'.`];
    const isNested = tag !== undefined && this.#open.some(({ ends }) => ends.includes(tag));
    if (looking && isNested) {
      parts.push(`You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for ${looking}.`);
    } else if (looking) parts.push(`Jinja was looking for the following tags: ${looking}.`);
    if (innermost) parts.push(`The innermost block that needs to be closed is '${innermost.tag}'.`);
    return this.#stream.fail(parts.join(" "));
  }
}

function asParameter(target: Target): Target {
  if (target.type === "Tuple") return { ...target, items: target.items.map((item) => asParameter(item as Target)) };
  return target.type === "Name" ? { ...target, context: "parameter" } : target;
}
