const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

/**
 * A date in Python's `strftime` format, in local time and with English names. Directives: a A b B d e H I j m M p S y Y Z %,
 * and `-` after the percent sign for no zeros; others stay as they are.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole, bare: string, directive: string) => {
    const number = (value: number, width = 2) => (bare ? String(value) : String(value).padStart(width, "0"));
    switch (directive) {
      case "a":
        return days[date.getDay()]?.slice(0, 3) ?? "";
      case "A":
        return days[date.getDay()] ?? "";
      case "b":
        return months[date.getMonth()]?.slice(0, 3) ?? "";
      case "B":
        return months[date.getMonth()] ?? "";
      case "d":
        return number(date.getDate());
      case "e":
        return String(date.getDate()).padStart(bare ? 1 : 2, " ");
      case "H":
        return number(date.getHours());
      case "I":
        return number(date.getHours() % 12 || 12);
      case "j":
        return number(Math.round((noon(date) - noon(new Date(date.getFullYear(), 0, 1))) / 86_400_000) + 1, 3);
      case "m":
        return number(date.getMonth() + 1);
      case "M":
        return number(date.getMinutes());
      case "p":
        return date.getHours() < 12 ? "AM" : "PM";
      case "S":
        return number(date.getSeconds());
      case "y":
        return number(date.getFullYear() % 100);
      case "Y":
        return String(date.getFullYear());
      case "Z":
        return "";
      case "%":
        return "%";
      default:
        return whole;
    }
  });
}

function noon(date: Date): number {
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate(), 12);
}
