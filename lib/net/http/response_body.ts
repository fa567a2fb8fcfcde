/** Reads what a web server answers. */
import { messageOf } from "../../errors.ts";
import { joinBytes } from "../../protocol/bytes.ts";

/**
 * The body of a response, decompressed. The error that `tooLong` makes is thrown beyond `limit` bytes, and cancels the rest.
 *
 * Errors: those of the runtime.
 */
export async function bodyOf(
  response: Response,
  limit: number,
  tooLong: () => Error,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > limit) throw tooLong();
    parts.push(part);
  }
  return joinBytes(parts);
}

/** The cause of a failed request, in the words of the runtime. */
export function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}
