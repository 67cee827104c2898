import { bind, parameters } from "./call.ts";
import { dictMethod, makeDict } from "./collection-methods.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import { indexFrom } from "./number-arguments.ts";
import { textFrom } from "./repr.ts";
import { Callable, Dict, Namespace, Range, typeName, type Value } from "./values.ts";

/** Longest `range()`, as in Jinja's sandbox. */
const longestRange = 100_000;

/** Thrown by a template's `raise_exception`: the template's own words. */
export class TemplateRaised extends TemplateFault {
  constructor(message: string) {
    super("TemplateError", message);
  }
}

const range = new Callable(
  "range",
  (_, positional, named) => {
    if (named) throw typeError("range() takes no keyword arguments");
    if (positional.length < 1 || positional.length > 3) {
      throw typeError(`range expected at most 3 arguments, got ${positional.length}`);
    }
    const [first = 0, second, step = 1] = positional.map(indexFrom);
    if (step === 0) throw valueError("range() arg 3 must not be zero");
    const made = second === undefined ? new Range(0, first, 1) : new Range(first, second, step);
    if (made.length <= longestRange) return made;
    throw new TemplateFault(
      "OverflowError",
      `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${longestRange}).`,
    );
  },
  "type",
);

const dict = new Callable("dict", makeDict, "type", (name) => (name === "fromkeys" ? dictMethod(new Dict(), name) : undefined));

const namespace = new Callable(
  "Namespace",
  (runtime, positional, named) => new Namespace(makeDict(runtime, positional, named)),
  "type",
);

const cycler = new Callable(
  "Cycler",
  (_, items, named) => {
    if (named) throw typeError("Cycler() takes no keyword arguments");
    if (items.length === 0) throw new TemplateFault("RuntimeError", "at least one item has to be provided");
    let position = 0;
    const next = new Callable("next", () => {
      position += 1;
      return items[(position - 1) % items.length] as Value;
    });
    const reset = new Callable("reset", () => {
      position = 0;
      return null;
    });
    const notCalled = () => {
      throw typeError("'Cycler' object is not callable");
    };
    return new Callable("Cycler object", notCalled, "Cycler", (name) => {
      if (name === "next") return next;
      if (name === "reset") return reset;
      return name === "current"
        ? (items[position % items.length] as Value)
        : name === "pos"
          ? position % items.length
          : undefined;
    });
  },
  "type",
);

const joiner = new Callable(
  "Joiner",
  (runtime, positional, named) => {
    const [separator = ", "] = bind("Joiner", parameters("sep="), positional, named);
    let used = false;
    return new Callable(
      "Joiner object",
      () => {
        const text = used ? textFrom(runtime, separator) : "";
        used = true;
        return text;
      },
      "Joiner",
    );
  },
  "type",
);

const raiseException = new Callable(
  "raise_exception",
  (runtime, positional, named) => {
    const [message] = bind("raise_exception", parameters("message"), positional, named);
    throw new TemplateRaised(textFrom(runtime, message as Value));
  },
  "function",
);

/** `strftime_now(format)`. */
export function strftimeNow(write: (date: Date, format: string) => string): Callable {
  return new Callable(
    "strftime_now",
    (runtime, positional, named) => {
      const [format] = bind("strftime_now", parameters("format"), positional, named);
      if (typeof format !== "string") throw typeError(`strftime() argument 1 must be str, not ${typeName(format as Value)}`);
      const text = write(new Date(), format);
      runtime.budget.text(text.length);
      return text;
    },
    "function",
  );
}

/** The names that every template has. */
export const globals: ReadonlyMap<string, Value> = new Map<string, Value>(
  [range, dict, namespace, cycler, joiner, raiseException].map((value) => [
    value === dict ? "dict" : value.name.toLowerCase(),
    value,
  ]),
);
