import { BlockList, isIP } from "node:net";
import { TsumugiError } from "../errors.ts";
import { printable } from "../util/printable.ts";

/** A proxy that a request goes through. */
export type HubProxy = {
  /** Its address, without name and password. */
  uri: string;
  /** The value of Proxy-Authorization, where the address holds a name or a password. */
  authorization: string | undefined;
  /** The variable that names it. */
  variable: string;
};

type Variables = Record<string, string | undefined>;

/**
 * The proxy that the environment names for an address, or undefined for none: HTTPS_PROXY or HTTP_PROXY by the address's scheme,
 * else ALL_PROXY, unless NO_PROXY excepts its host. They are read as Python reads them: the name in small letters before the
 * one in capitals, which where it is empty unsets it; a value without a scheme is http://; HTTP_PROXY in capitals is not read
 * by a CGI program (REQUEST_METHOD), whose callers can set it. Error: `hub_proxy_invalid`.
 */
export function proxyFor(address: string, variables: Variables = process.env): HubProxy | undefined {
  const url = new URL(address);
  const scheme = url.protocol === "https:" ? "https" : "http";
  const found = read(variables, scheme) ?? read(variables, "all");
  if (found === undefined || isExempt(url, read(variables, "no")?.value ?? "")) return undefined;
  return parse(found.variable, found.value);
}

/** The variable of a kind that counts, and its value. */
function read(variables: Variables, kind: "http" | "https" | "all" | "no"): { variable: string; value: string } | undefined {
  const small = `${kind}_proxy`;
  if (variables[small] !== undefined) return variables[small] === "" ? undefined : { variable: small, value: variables[small] };
  const capitals = small.toUpperCase();
  const isFromCaller = kind === "http" && variables.REQUEST_METHOD !== undefined;
  const value = isFromCaller ? undefined : variables[capitals];
  return value ? { variable: capitals, value } : undefined;
}

function parse(variable: string, value: string): HubProxy {
  const text = value.includes("://") ? value : `http://${value}`;
  const fail = (reason: string) => new TsumugiError("hub_proxy_invalid", { variable, reason, given: shown(value) });
  if (!URL.canParse(text)) throw fail("it is no address");
  const url = new URL(text);
  if (/^socks/.test(url.protocol)) throw fail("SOCKS proxies are not supported, only HTTP proxies");
  if (url.protocol !== "http:" && url.protocol !== "https:") throw fail("its scheme is neither http nor https");
  if (url.hostname === "") throw fail("it names no host");
  const { username, password } = url;
  const uri = `${url.protocol}//${url.host}`;
  if (username === "" && password === "") return { uri, authorization: undefined, variable };
  const plain = `${decoded(username)}:${decoded(password)}`;
  return { uri, authorization: `Basic ${Buffer.from(plain).toString("base64")}`, variable };
}

/** What a part of an address means; a percent sign that escapes nothing means itself. */
function decoded(part: string): string {
  return part.replace(/(%[0-9a-f]{2})+/gi, (escapes) => {
    return Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8");
  });
}

/** The value of a variable without a name and password. */
function shown(value: string): string {
  return printable(value.replace(/^([^/]*\/\/)?.*@/, "$1…@"));
}

/**
 * Whether NO_PROXY excepts an address. Entries stand between commas or blanks: `*` (everything), `example.com` (with all below
 * it, but for `localhost`), `.example.com` or `*.example.com` (only what is below it), an IP address, a range of them
 * (`10.0.0.0/8`); each may have a port, and a scheme before it, with which it is one host. Python's httpx takes ranges for
 * their first address, and looks at a port only where the address names one; here both mean what people mean by them.
 */
export function isExempt(url: URL, list: string): boolean {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== "");
  return entries.includes("*") || entries.some((entry) => matches(url, entry.toLowerCase()));
}

function matches(url: URL, entry: string): boolean {
  const [, scheme, rest = ""] = /^(?:(\w+):\/\/)?(.*)$/.exec(entry) ?? [];
  if (scheme !== undefined && scheme !== "all" && `${scheme}:` !== url.protocol) return false;
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const range = /^\[?([0-9a-f.:]+)\]?\/(\d+)$/.exec(rest);
  if (range !== null) return isInRange(host, range[1] ?? "", Number(range[2]));
  const isBareAddress = isIP(rest) === 6;
  const [, name = "", port] = isBareAddress ? ["", rest] : (/^(\[[^\]]*\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest) ?? []);
  if (port !== undefined && Number(port) !== Number(url.port || (url.protocol === "https:" ? 443 : 80))) return false;
  const wanted = name.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (wanted === "") return false;
  if (isIP(wanted) > 0) return isIP(host) > 0 && isInRange(host, wanted, isIP(wanted) === 6 ? 128 : 32);
  const below = /^\*?\.(.+)$/.exec(wanted)?.[1];
  if (below !== undefined) return host.endsWith(`.${below}`);
  const plain = wanted.replace(/^\*/, "");
  const hasBelow = plain !== "localhost" && scheme === undefined;
  return host === plain || (hasBelow && host.endsWith(`.${plain}`));
}

function isInRange(host: string, first: string, bits: number): boolean {
  const family = isIP(first) === 6 ? "ipv6" : "ipv4";
  if (isIP(first) === 0 || isIP(host) !== isIP(first) || bits > (family === "ipv6" ? 128 : 32)) return false;
  const range = new BlockList();
  range.addSubnet(first, bits, family);
  return range.check(host, family);
}
