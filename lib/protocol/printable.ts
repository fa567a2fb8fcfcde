// Control characters (C0, DEL, C1), line and paragraph separators, zero-width space, the byte order mark, direction
// marks, tag characters and lone surrogates: all characters that could move a cursor, forge a line or reverse text.
const UNPRINTABLE =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** Text from outside, safe for a terminal, a log line or JSON: each unprintable character becomes `�`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\uFFFD");
}
