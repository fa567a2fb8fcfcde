import assert from "node:assert/strict";
import { executableKind } from "../harness/processes/executable_kind.ts";

/** A file that begins with these bytes. */
function head(...bytes: number[]): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(64);
  head.set(bytes);
  return head;
}

Deno.test("executableKind tells Mach-O executables by their processor from libraries and others", () => {
  const machO = [0xcf, 0xfa, 0xed, 0xfe];
  assert.equal(executableKind(head(...machO, 0x0c, 0, 0, 1, 0, 0, 0, 0, 2)), "darwin aarch64");
  assert.equal(executableKind(head(...machO, 0x07, 0, 0, 1, 3, 0, 0, 0, 2)), "darwin x86_64");
  assert.equal(executableKind(head(...machO, 0x07, 0, 0, 1, 3, 0, 0, 0, 6)), "unknown");
  assert.equal(executableKind(head(0xca, 0xfe, 0xba, 0xbe)), "unknown");
});

Deno.test("executableKind tells this very Deno", async () => {
  using file = await Deno.open(Deno.execPath());
  const bytes = new Uint8Array(4096);
  await file.read(bytes);
  assert.equal(executableKind(bytes), `${Deno.build.os} ${Deno.build.arch}`);
});
