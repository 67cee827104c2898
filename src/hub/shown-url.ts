import { printable } from "../util/printable.ts";

/**
 * An address for a message: without the name and password that may stand in it, and without its query, which of an address of
 * the storage is a signature that opens the file.
 */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return printable(url.replace(/\/\/[^/@]*@/, "//"));
  const { protocol, host, pathname, search } = new URL(url);
  return printable(`${protocol}//${host}${pathname}${search === "" ? "" : "?…"}`, 300);
}
