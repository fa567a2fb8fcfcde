import assert from "node:assert/strict";
import { publicUrl, withoutSecrets } from "../../lib/protocol/secrets.ts";

Deno.test("withoutSecrets leaves scheme, host and port of every URL in a text", () => {
  const texts: [string, string][] = [
    ["no URL here, /announce?x", "no URL here, /announce?x"],
    ["http://h:1/KEY/announce?passkey=a", "http://h:1/…"],
    ["for url (http://u:p@h/announce?k=1): refused", "for url (http://h/…): refused"],
    ["udp://10.0.0.5:6969", "udp://10.0.0.5:6969"],
    ["https://[fd00::1]:1/a then http://b/?k", "https://[fd00::1]:1/… then http://b/…"],
    ["HTTP://h/secret", "HTTP://h/…"],
    ["http://h/", "http://h/"],
    ["http://h?secret", "http://h/…"],
    ["http://user:p@ss@h/", "http://h/"],
  ];
  for (const [text, expected] of texts) assert.equal(withoutSecrets(text), expected);
});

Deno.test("publicUrl leaves out user, password, query and fragment", () => {
  assert.equal(publicUrl("http://u:p@h:1/a%20b?token=1#x"), "http://h:1/a%20b");
  assert.equal(publicUrl("https://h/"), "https://h/");
  assert.equal(publicUrl("http://h?a=b@c"), "http://h");
});

Deno.test("withoutSecrets takes little time for a long text", () => {
  for (const part of ["a.", "a://", "http://a@", "-"]) {
    const startedAt = performance.now();
    withoutSecrets(part.repeat(50_000));
    assert.ok(performance.now() - startedAt < 1_000, part);
  }
});
