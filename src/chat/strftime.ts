const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

/**
 * A local date in Python's `strftime` format, as on Linux with English names: all directives of C99 and glibc, the flags
 * `-` (no padding), `_` (spaces), `0` (zeros), `^` (upper case), `#` (other case), a width, and the modifiers E and O. The
 * date has no time zone, as `datetime.now()` has none: `%z` and `%Z` are empty. Other directives stay as they are.
 *
 * Source: Python 3 `datetime.strftime`, glibc `strftime`.
 *
 * @example
 * ```ts
 * strftime(new Date(2026, 1, 3), "%d %b %Y"); // "03 Feb 2026"
 * ```
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%([-_0^#]*)(\d{0,3})[EO]?([a-zA-Z%])/g, (whole, flags: string, width: string, directive: string) => {
    const made = make(date, directive);
    if (made === undefined) return whole;
    const flag = [...flags].findLast((each) => "-_0".includes(each));
    let { text } = made;
    if (flags.includes("^")) text = text.toUpperCase();
    if (flags.includes("#")) text = directive === "p" ? text.toLowerCase() : text.toUpperCase();
    if (flag === "-") return text;
    const filler = flag === "_" ? " " : flag === "0" ? "0" : made.filler;
    return text.padStart(width === "" ? made.width : Number(width), filler);
  });
}

interface Made {
  text: string;
  width: number;
  filler: string;
}

const number = (value: number, width = 2, filler = "0"): Made => ({ text: String(value), width, filler });
const word = (text: string): Made => ({ text, width: 0, filler: " " });

function make(date: Date, directive: string): Made | undefined {
  const year = date.getFullYear();
  const hour = date.getHours();
  const combined = composed[directive];
  if (combined !== undefined) return word(strftime(date, combined));
  switch (directive) {
    case "a":
      return word((days[date.getDay()] as string).slice(0, 3));
    case "A":
      return word(days[date.getDay()] as string);
    case "b":
    case "h":
      return word((months[date.getMonth()] as string).slice(0, 3));
    case "B":
      return word(months[date.getMonth()] as string);
    case "C":
      return number(Math.floor(year / 100));
    case "d":
      return number(date.getDate());
    case "e":
      return number(date.getDate(), 2, " ");
    case "f":
      return number(date.getMilliseconds() * 1000, 6);
    case "G":
      return number(isoWeek(date).year, 4);
    case "g":
      return number(isoWeek(date).year % 100);
    case "H":
      return number(hour);
    case "I":
      return number(hour % 12 || 12);
    case "j":
      return number(dayOfYear(date) + 1, 3);
    case "k":
      return number(hour, 2, " ");
    case "l":
      return number(hour % 12 || 12, 2, " ");
    case "m":
      return number(date.getMonth() + 1);
    case "M":
      return number(date.getMinutes());
    case "n":
      return word("\n");
    case "p":
      return word(hour < 12 ? "AM" : "PM");
    case "P":
      return word(hour < 12 ? "am" : "pm");
    case "s":
      return number(Math.floor(date.getTime() / 1000), 1);
    case "S":
      return number(date.getSeconds());
    case "t":
      return word("\t");
    case "u":
      return number(date.getDay() || 7, 1);
    case "U":
      return number(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7));
    case "V":
      return number(isoWeek(date).week);
    case "w":
      return number(date.getDay(), 1);
    case "W":
      return number(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7));
    case "y":
      return number(year % 100);
    case "Y":
      return number(year, 1);
    case "z":
    case "Z":
      return word("");
    case "%":
      return word("%");
  }
  return undefined;
}

/** Directives that stand for others, in the "C" locale. */
const composed: { readonly [directive: string]: string } = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

const dayNumber = (date: Date) => Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);

/** Days since the first of January. */
function dayOfYear(date: Date): number {
  return dayNumber(date) - dayNumber(new Date(date.getFullYear(), 0, 1));
}

/** Week and year of ISO 8601: weeks begin on Monday and belong to the year that their Thursday is in. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}
