/** The RPC behind our own server, over a real session. */
import assert from "node:assert/strict";
import { ApiHome } from "../api_home.ts";

const ID = "X-Transmission-Session-Id";

/** How clients of Transmission show the token, or a password: behind any name. */
function basic(secret: string) {
  return { Authorization: `Basic ${btoa(`anybody:${secret}`)}` };
}

async function handshake(url: string, headers: Record<string, string>): Promise<string> {
  const refusal = await fetch(url, { method: "POST", body: "{}", headers });
  await refusal.body?.cancel();
  assert.equal(refusal.status, 409);
  return refusal.headers.get(ID)!;
}

Deno.test("RPC over HTTP: with and without a final slash, also in one connection after a refusal", async () => {
  await using home = await ApiHome.start();
  const secret = basic(home.token);
  for (const path of ["/transmission/rpc", "/transmission/rpc/"]) {
    const id = await handshake(home.url + path, secret);
    const body = JSON.stringify({
      method: "session-get",
      arguments: { fields: ["session-id", "config-dir"] },
    });
    const response = await fetch(home.url + path, { method: "POST", body, headers: { ...secret, [ID]: id } });
    assert.deepEqual(await response.json(), {
      result: "success",
      arguments: { "session-id": id, "config-dir": home.test.home },
    });
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  }
});

Deno.test("RPC over HTTP: a notification is answered with 204 and no body, and closing ends the process", async () => {
  await using home = await ApiHome.start();
  const url = `${home.url}/transmission/rpc`;
  const secret = basic(home.token);
  const headers = { ...secret, [ID]: await handshake(url, secret) };
  const body = JSON.stringify({ jsonrpc: "2.0", method: "session_close" });
  const response = await fetch(url, { method: "POST", body, headers });
  assert.deepEqual([response.status, await response.text()], [204, ""]);
  assert.equal(home.stops, 1);
});

Deno.test("RPC over HTTP: where there is a password, basic authentication is asked for before the handshake", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "correct horse battery\n");
    await using home = await ApiHome.start({ passwordFile: path });
    const url = `${home.url}/transmission/rpc`;
    const refusal = await fetch(url, { method: "POST", body: "{}" });
    await refusal.body?.cancel();
    assert.equal(refusal.status, 401);
    assert.match(refusal.headers.get("WWW-Authenticate") ?? "", /^Basic/);
    await handshake(url, basic("correct horse battery"));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("RPC over HTTP: a page of another site is refused", async () => {
  await using home = await ApiHome.start();
  const { port } = new URL(home.url);
  const post = (headers: string) =>
    home.raw(
      `POST /transmission/rpc HTTP/1.1\n${headers}Authorization: ${basic(home.token).Authorization}\n` +
        "Content-Length: 2\nConnection: close\n\n{}",
    );
  assert.equal((await post(`Host: evil.test:${port}\n`)).status, 421);
  assert.equal((await post(`Host: 127.0.0.1:${port}\nOrigin: http://evil.test\n`)).status, 403);
  assert.equal((await post(`Host: localhost:${port}\n`)).status, 409);
});
