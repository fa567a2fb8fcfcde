/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** The worker of `limit_pipe.ts`: hashes what comes and writes it at its position. */
import { createHash } from "node:crypto";
import { openSync, writeSync } from "node:fs";

type Job = { path: string } | { piece: Uint8Array<ArrayBuffer>; filled: number; position: number };

let file: number;

self.onmessage = ({ data }: MessageEvent<Job>) => {
  if ("path" in data) {
    file = openSync(data.path, "r+");
    return;
  }
  const { piece, filled, position } = data;
  createHash("sha1").update(piece.subarray(0, filled)).digest();
  for (let written = 0; written < filled;) {
    written += writeSync(file, piece, written, filled - written, position + written);
  }
  self.postMessage(piece, [piece.buffer]);
};
