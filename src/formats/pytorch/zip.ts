import { TsumugiError } from "../../errors.ts";

/** Reads a range of a file. */
export type ReadRange = (offset: number, bytes: number) => Promise<Uint8Array>;

/** Where the content of an entry is: stored, not compressed. */
export interface ZipEntry {
  offset: number;
  bytes: number;
}

/** Bytes of the list of entries at most: a checkpoint of a hundred thousand tensors has ten megabytes. */
const longestDirectory = 200_000_000;

/**
 * The entries of a zip archive as torch.save writes it: none compressed, so that each is a range of the file. With 64-bit
 * sizes and offsets.
 *
 * @throws `pytorch_invalid`
 */
export async function readZip(read: ReadRange, fileBytes: number, file: string): Promise<Map<string, ZipEntry>> {
  const fail = (reason: string): never => {
    throw new TsumugiError("pytorch_invalid", { file, reason });
  };
  const tailBytes = Math.min(fileBytes, 65_557);
  const tail = await read(fileBytes - tailBytes, tailBytes);
  const view = viewOf(tail);
  let end = tailBytes - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) fail("the list of its entries is missing: it is cut off, or no zip archive");
  let count = view.getUint16(end + 10, true);
  let directoryBytes = view.getUint32(end + 12, true);
  let directoryAt = view.getUint32(end + 16, true);
  if (end >= 20 && view.getUint32(end - 20, true) === 0x07064b50) {
    const at = Number(view.getBigUint64(end - 20 + 8, true));
    if (at + 56 > fileBytes) fail("its list of entries lies behind its end");
    const wide = viewOf(await read(at, 56));
    if (wide.getUint32(0, true) !== 0x06064b50) fail("its list of entries is not where it should be");
    count = Number(wide.getBigUint64(32, true));
    directoryBytes = Number(wide.getBigUint64(40, true));
    directoryAt = Number(wide.getBigUint64(48, true));
  }
  if (directoryAt + directoryBytes > fileBytes || directoryBytes > longestDirectory)
    fail("its list of entries lies behind its end");
  const directory = await read(directoryAt, directoryBytes);
  const entries = viewOf(directory);
  const found = new Map<string, ZipEntry>();
  const decoder = new TextDecoder();
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    if (at + 46 > directoryBytes || entries.getUint32(at, true) !== 0x02014b50) fail(`entry ${index} of its list is damaged`);
    const method = entries.getUint16(at + 10, true);
    let stored = entries.getUint32(at + 20, true);
    let plain = entries.getUint32(at + 24, true);
    const nameBytes = entries.getUint16(at + 28, true);
    const extraBytes = entries.getUint16(at + 30, true);
    let header = entries.getUint32(at + 42, true);
    const next = at + 46 + nameBytes + extraBytes + entries.getUint16(at + 32, true);
    if (next > directoryBytes) fail(`entry ${index} of its list is damaged`);
    const name = decoder.decode(directory.subarray(at + 46, at + 46 + nameBytes));
    for (let extra = at + 46 + nameBytes; extra + 4 <= at + 46 + nameBytes + extraBytes; ) {
      const size = entries.getUint16(extra + 2, true);
      if (entries.getUint16(extra, true) === 1) {
        let field = extra + 4;
        const wide = () => {
          if (field + 8 > Math.min(extra + 4 + size, at + 46 + nameBytes + extraBytes)) fail(`entry ${name} has no size`);
          field += 8;
          return Number(entries.getBigUint64(field - 8, true));
        };
        if (plain === 0xffffffff) plain = wide();
        if (stored === 0xffffffff) stored = wide();
        if (header === 0xffffffff) header = wide();
      }
      extra += 4 + size;
    }
    if (method !== 0 || stored !== plain) fail(`entry ${name} is compressed, as torch.save never writes it`);
    if (header + 30 > fileBytes) fail(`entry ${name} lies behind its end`);
    found.set(name, { offset: header, bytes: plain });
    at = next;
  }
  return found;
}

/** Where the content of an entry begins: behind a header of its own, whose length may differ from that in the list. */
export async function contentOf(
  read: ReadRange,
  { offset, bytes }: ZipEntry,
  fileBytes: number,
  file: string,
): Promise<ZipEntry> {
  const header = viewOf(await read(offset, 30));
  const start = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (header.getUint32(0, true) !== 0x04034b50 || start + bytes > fileBytes) {
    throw new TsumugiError("pytorch_invalid", { file, reason: "an entry lies behind its end" });
  }
  return { offset: start, bytes };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
