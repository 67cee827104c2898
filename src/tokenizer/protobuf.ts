/** One field of a protobuf message: a number for varints and floats (`bits`), bytes for strings and messages. */
export interface ProtobufField {
  number: number;
  /** Varint (as far as a double holds it), or the 32 bits of a fixed32 field. */
  value: number;
  /** Content of a length-delimited field, empty otherwise. */
  bytes: Uint8Array;
}

/** What is wrong with a file that is not protobuf; callers name the file. */
export class ProtobufError extends Error {}

const nothing = new Uint8Array(0);

/**
 * The fields of one protobuf message, in the order of the file. Groups, which nobody writes any more, and every field that
 * runs over the end are refused with `ProtobufError`.
 *
 * Source: protobuf.dev, "Encoding".
 */
export function* protobufFields(bytes: Uint8Array): Generator<ProtobufField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new ProtobufError(`it ends within a number at byte ${at - 1}`);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError(`a number at byte ${at - 10} is longer than 10 bytes`);
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new ProtobufError(`a field at byte ${at} of ${length} bytes runs over the end`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const start = at;
    const key = varint();
    const number = Math.floor(key / 8);
    if (number === 0) throw new ProtobufError(`field number 0 at byte ${start}`);
    switch (key % 8) {
      case 0:
        yield { number, value: varint(), bytes: nothing };
        break;
      case 1:
        take(8);
        break;
      case 2:
        yield { number, value: 0, bytes: take(varint()) };
        break;
      case 5:
        take(4);
        yield { number, value: view.getUint32(at - 4, true), bytes: nothing };
        break;
      default:
        throw new ProtobufError(`wire type ${key % 8} at byte ${start}`);
    }
  }
}
