/** Messages of the extension `ut_metadata` (BEP 9), as payloads of extended messages (BEP 10). */
import { ProtocolError } from "../errors.ts";
import { decodePrefix, encode, isDictionary, numberIn } from "./bencode.ts";
import { concatBytes } from "./bytes.ts";

/** Length of a part of the metadata in bytes; only the last one is shorter. BEP 9 calls parts "pieces". */
export const METADATA_PART_LENGTH = 16 * 1024;

/** Number of parts that metadata of `length` bytes has. */
export function metadataParts(length: number): number {
  return Math.ceil(length / METADATA_PART_LENGTH);
}

/** One message that was read. */
type MetadataMessage =
  | { readonly type: "request" | "reject"; readonly part: number }
  | {
    readonly type: "data";
    readonly part: number;
    /** Bytes of the whole metadata, according to the sender. */
    readonly totalLength: number;
    /** Borrowed view into the payload. */
    readonly bytes: Uint8Array;
  };

const REQUEST = 0, DATA = 1, REJECT = 2;

/** The message that asks for a part. */
export function encodeMetadataRequest(part: number): Uint8Array<ArrayBuffer> {
  return encode({ msg_type: REQUEST, piece: part });
}

/** The answer that a part will not be sent. */
export function encodeMetadataReject(part: number): Uint8Array<ArrayBuffer> {
  return encode({ msg_type: REJECT, piece: part });
}

/** The answer with a part of the whole metadata `rawInfo`. Throws `RangeError` for a part beyond its end. */
export function encodeMetadataData(part: number, rawInfo: Uint8Array): Uint8Array<ArrayBuffer> {
  if (part >= metadataParts(rawInfo.length)) {
    throw new RangeError(`Expected a part below ${metadataParts(rawInfo.length)}, got ${part}`);
  }
  const start = part * METADATA_PART_LENGTH;
  return concatBytes(
    encode({ msg_type: DATA, piece: part, total_size: rawInfo.length }),
    rawInfo.subarray(start, start + METADATA_PART_LENGTH),
  );
}

/**
 * Reads a message; undefined for an unknown type, which BEP 9 wants us to ignore.
 *
 * Errors: `ProtocolError` when the message is malformed, or when a part's length does not fit its place in the whole.
 */
export function parseMetadataMessage(payload: Uint8Array): MetadataMessage | undefined {
  const { value, end } = decodePrefix(payload);
  if (!isDictionary(value)) throw new ProtocolError("Expected a metadata message, got something else");
  const type = numberIn(value, "msg_type");
  const part = numberIn(value, "piece");
  if (type === undefined || part === undefined || part < 0) {
    throw new ProtocolError("Expected a type and a part in a metadata message, got none");
  }
  if (type === REQUEST || type === REJECT) return { type: type === REQUEST ? "request" : "reject", part };
  if (type !== DATA) return undefined;
  const totalLength = numberIn(value, "total_size") ?? 0;
  const bytes = payload.subarray(end);
  const expected = Math.min(METADATA_PART_LENGTH, totalLength - part * METADATA_PART_LENGTH);
  if (expected < 1 || bytes.length !== expected) {
    throw new ProtocolError(
      `Expected part ${part} of ${totalLength} bytes of metadata, got ${bytes.length} bytes`,
    );
  }
  return { type: "data", part, totalLength, bytes };
}
