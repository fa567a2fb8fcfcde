/** Requests and answers of the JSON-RPC dialect, written from JSON-RPC 2.0 and Transmission's specification of 6.0.0. */
import assert from "node:assert/strict";
import { FakeSession, hashOf, RpcClient, torrentOf } from "./fake_session.ts";

function client(): RpcClient {
  const session = new FakeSession();
  session.torrents = [
    torrentOf("a", { number: 7, name: "Ubuntu" }),
    torrentOf("b", { number: 10, name: "Fedora" }),
  ];
  return new RpcClient(session);
}

const INVALID_REQUEST = { jsonrpc: "2.0", error: { code: -32600, message: "Invalid Request" }, id: null };

/** Each request and its answer; undefined for none. */
const PAIRS: Readonly<Record<string, readonly [request: unknown, answer: unknown]>> = {
  "a call has its id in the answer": [
    { jsonrpc: "2.0", method: "session_get", params: { fields: ["version"] }, id: 912313 },
    { jsonrpc: "2.0", result: { version: "4.1.0 (peer 0.1.0)" }, id: 912313 },
  ],
  "an id may be a text": [
    { jsonrpc: "2.0", method: "session_get", params: { fields: ["rpc_version_semver"] }, id: "x" },
    { jsonrpc: "2.0", result: { rpc_version_semver: "6.0.0" }, id: "x" },
  ],
  "an id may be null, and is no notification then": [
    { jsonrpc: "2.0", method: "group_get", id: null },
    { jsonrpc: "2.0", result: { group: [] }, id: null },
  ],
  "names are in snake_case": [
    {
      jsonrpc: "2.0",
      method: "torrent_get",
      params: { fields: ["id", "name", "total_size", "hash_string"], ids: [7, 10] },
      id: 39693,
    },
    {
      jsonrpc: "2.0",
      result: {
        torrents: [
          { id: 7, name: "Ubuntu", total_size: 65_536, hash_string: hashOf("a") },
          { id: 10, name: "Fedora", total_size: 65_536, hash_string: hashOf("b") },
        ],
      },
      id: 39693,
    },
  ],
  "a table has the names in its first row": [
    {
      jsonrpc: "2.0",
      method: "torrent_get",
      params: { fields: ["id", "hash_string"], ids: [7], format: "table" },
      id: 1,
    },
    { jsonrpc: "2.0", result: { torrents: [["id", "hash_string"], [7, hashOf("a")]] }, id: 1 },
  ],
  "an unknown method": [
    { jsonrpc: "2.0", method: "foobar", id: "1" },
    {
      jsonrpc: "2.0",
      error: { code: -32601, message: "Method not found" },
      id: "1",
    },
  ],
  "parameters by position": [
    { jsonrpc: "2.0", method: "session_get", params: ["version"], id: 1 },
    {
      jsonrpc: "2.0",
      error: {
        code: -32602,
        message: "Invalid params",
        data: { error_string: "Expected an object of parameters, got a list" },
      },
      id: 1,
    },
  ],
  "a parameter of another type": [
    { jsonrpc: "2.0", method: "torrent_get", params: { fields: "id" }, id: 1 },
    {
      jsonrpc: "2.0",
      error: { code: -32602, message: "Invalid params", data: { error_string: "no fields specified" } },
      id: 1,
    },
  ],
  "a path that is not absolute": [
    { jsonrpc: "2.0", method: "free_space", params: { path: "data" }, id: 1 },
    {
      jsonrpc: "2.0",
      error: {
        code: 3,
        message: "path is not absolute",
        data: { error_string: "directory path is not absolute" },
      },
      id: 1,
    },
  ],
  "an error with a result": [
    { jsonrpc: "2.0", method: "free_space", params: { path: "/etc" }, id: 1 },
    {
      jsonrpc: "2.0",
      error: {
        code: 5,
        message: "system error",
        data: {
          error_string: "Expected a folder below /home/me/peer, got /etc",
          result: { path: "/etc", size_bytes: -1, total_size: -1 },
        },
      },
      id: 1,
    },
  ],
  "a port test of one protocol": [
    { jsonrpc: "2.0", method: "port_test", params: { ip_protocol: "ipv6" }, id: 9 },
    { jsonrpc: "2.0", result: { port_is_open: true, ip_protocol: "ipv6" }, id: 9 },
  ],
  "a request that is no object": [42, INVALID_REQUEST],
  "a method that is no text": [
    { jsonrpc: "2.0", method: 1, params: "bar" },
    INVALID_REQUEST,
  ],
  "an id that is an object": [
    { jsonrpc: "2.0", method: "session_get", id: {} },
    INVALID_REQUEST,
  ],
  "another version": [
    { jsonrpc: "1.0", method: "session_get", id: 1 },
    INVALID_REQUEST,
  ],
  "an empty batch": [[], INVALID_REQUEST],
  "a batch of nonsense": [
    [1, 2],
    [
      INVALID_REQUEST,
      INVALID_REQUEST,
    ],
  ],
  "a batch of calls and a notification": [
    [
      { jsonrpc: "2.0", method: "port_test", id: "1" },
      { jsonrpc: "2.0", method: "torrent_stop", params: { ids: [7] } },
      { foo: "boo" },
      { jsonrpc: "2.0", method: "blocklist_update", id: "9" },
    ],
    [
      { jsonrpc: "2.0", result: { port_is_open: true }, id: "1" },
      INVALID_REQUEST,
      { jsonrpc: "2.0", result: { blocklist_size: 0 }, id: "9" },
    ],
  ],
  "a notification": [{ jsonrpc: "2.0", method: "torrent_start", params: { ids: [7] } }, undefined],
  "a notification that fails": [{ jsonrpc: "2.0", method: "foobar" }, undefined],
  "a batch of notifications": [
    [{ jsonrpc: "2.0", method: "torrent_start" }, { jsonrpc: "2.0", method: "torrent_stop" }],
    undefined,
  ],
};

for (const [what, [request, answer]] of Object.entries(PAIRS)) {
  Deno.test(`JSON-RPC: ${what}`, async () => {
    assert.deepEqual(await client().ask(request), answer);
  });
}

Deno.test("JSON-RPC: nothing to answer is status 204, an error is 200", async () => {
  const rpc = client();
  const notification = await rpc.post(`{"jsonrpc": "2.0", "method": "torrent_start"}`);
  assert.deepEqual([notification.status, await notification.text()], [204, ""]);
  assert.deepEqual(rpc.session.orders, [`resume("a")`, `resume("b")`]);
  const error = await rpc.post(`{"jsonrpc": "2.0", "method": "foobar", "id": 1}`);
  assert.equal(error.status, 200);
  assert.match(await error.text(), /-32601/);
});

Deno.test("JSON-RPC: what is no JSON is a parse error with id null", async () => {
  for (
    const body of [
      `{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]`,
      "",
      "\u0000",
      `[{"jsonrpc":`,
    ]
  ) {
    const response = await client().post(body);
    assert.equal(response.status, 200);
    const error = { code: -32700, message: "Parse error" };
    assert.deepEqual(await response.json(), { jsonrpc: "2.0", error, id: null });
  }
});

Deno.test("JSON-RPC: values differ from those of the legacy dialect where Transmission changed them", async () => {
  const rpc = client();
  rpc.session.fileViews = [{ position: 0, path: "a", length: 1, have: 0, isWanted: true, isFirst: false }];
  const ask = (method: string, params: object) => rpc.ask({ jsonrpc: "2.0", method, params, id: 1 });
  const { torrents } = (await ask("torrent_get", { ids: 7, fields: ["wanted"] }) as Result).result;
  assert.deepEqual(torrents, [{ wanted: [true] }]);
  rpc.session.encryption = "off";
  const { result } = await rpc.ask({ jsonrpc: "2.0", method: "session_get", id: 1 }) as Result;
  assert.deepEqual([result.encryption, result.rpc_version], ["allowed", 18]);
  assert.equal("cache_size_mib" in result, true);
  assert.deepEqual(Object.keys(result).filter((name) => !/^[a-z_]+$/.test(name)), []);
});

type Result = { result: Record<string, unknown> };
