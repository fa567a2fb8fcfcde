/**
 * Texts from outside that would take over a terminal, forge a line or turn text around, from everywhere they come
 * from to everywhere they are shown: bars, lines, JSON, log, tables and error lines.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Encodable, encode } from "../../lib/protocol/bencode.ts";
import { concatBytes, toUtf8 } from "../../lib/protocol/bytes.ts";
import { encodeHandshake } from "../../lib/protocol/handshake.ts";
import { sha1 } from "../../lib/protocol/info_hash.ts";
import { parseMetainfo } from "../../lib/protocol/metainfo.ts";
import { encodeExtended } from "../../lib/protocol/peer_messages.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";
import { swarmLines } from "../../lib/ui/progress/bar_lines.ts";
import { JsonProgress } from "../../lib/ui/progress/json_progress.ts";
import { PlainProgress } from "../../lib/ui/progress/plain_progress.ts";
import { ProgressBars } from "../../lib/ui/progress/progress_bars.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { FakeTerminal } from "../harness/processes/fake_terminal.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { TestSession } from "../harness/sessions/test_session.ts";

/** Escape sequences of 7 and 8 bits, line ends, direction marks, invisible characters. */
const HOSTILE =
  "\x1b[2J\x1b]0;title\x07\x9b31m\x90q\x9c\r\nforged: line\u2028x\u202egpj\u2066\u200f\u200b\ufeff\u{e0041}\x7f";
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Surrogate}\u2028\u2029\u200b\ufeff\u{e0000}-\u{e007f}]/u;

const DATA = new Uint8Array(40_000).fill(7);

/** A torrent whose every text is hostile, of a folder with one file. */
function hostileTorrent(outer: Record<string, Encodable>): Uint8Array<ArrayBuffer> {
  const pieces = [0, 16_384, 32_768].map((begin) => sha1(DATA.subarray(begin, begin + 16_384)));
  return encode({
    comment: `comment ${HOSTILE}`,
    "created by": `creator ${HOSTILE}`,
    ...outer,
    info: {
      files: [{ length: DATA.length, path: [`file ${HOSTILE}`] }],
      name: `name ${HOSTILE}`,
      "piece length": 16_384,
      pieces: concatBytes(...pieces),
    },
  });
}

/** An HTTP server on loopback. */
function serve(answer: () => Response) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** All that is shown of a session, by how it is shown. */
class Everything {
  readonly json: string[] = [];
  readonly plain: string[] = [];
  readonly terminal = new FakeTerminal(200, 50);
  readonly bars = new ProgressBars(this.terminal);
  readonly views = [
    new JsonProgress((line) => this.json.push(line)),
    new PlainProgress((line) => this.plain.push(line)),
    this.bars,
  ];

  assertClean(log: readonly string[]): void {
    for (const line of [...this.json, ...this.plain, ...log, ...this.terminal.lines()]) {
      assert.doesNotMatch(line, UNPRINTABLE, JSON.stringify(line));
    }
    assert.deepEqual(this.terminal.unknownSequences, []);
  }
}

Deno.test("peer shows names, clients, tracker texts and web seed failures without what could harm", async () => {
  await using failing = serve(() => new Response(encode({ "failure reason": `reason ${HOSTILE}` })));
  await using warning = serve(() =>
    new Response(encode({ interval: 60, peers: "", "warning message": `warning ${HOSTILE}` }))
  );
  await using webSeed = serve(() =>
    new Response(new Uint8Array(5), { status: 206, headers: { "content-range": "bytes \x9b31m\x85" } })
  );
  const bytes = hostileTorrent({
    "announce-list": [[`${failing.url}/announce`], [`${warning.url}/announce`]],
    "url-list": [webSeed.url],
  });
  const { infoHash } = parseMetainfo(bytes, METAINFO_LIMITS);
  const shown = new Everything();
  await using peer = await TestSession.start({
    observe: (event) => shown.views.forEach((view) => view.event(event)),
  });
  const path = join(peer.home, "torrents", "x.torrent");
  await Deno.writeFile(path, bytes);
  await peer.session.add(path, []);

  const peerIds = ["-XX0000-hostile \x1b\x9b\x07", `${HOSTILE}${"-".repeat(20)}`];
  const connections = await Promise.all(peerIds.map(async (text) => {
    const peerId = toUtf8(text).slice(0, 20);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: peer.session.port });
    const v = text.startsWith("-XX") ? `client ${HOSTILE}` : "";
    await connection.write(encodeHandshake(infoHash, peerId));
    await connection.write(encodeExtended(0, encode({ m: {}, v })));
    return connection;
  }));
  await peer.whenLogged(/tracker .*: reason /);
  await peer.whenLogged(/tracker .*: warning /);
  const said = (pattern: RegExp) => shown.json.some((line) => pattern.test(line));
  await until(() => said(/"disconnected".*"reason":"Expected the range/), "the web seed failed");
  await until(
    () => peer.session.snapshot()[0].peers.some(({ client }) => client.startsWith("client")),
    "they are there",
  );
  const lines = swarmLines(peer.session.snapshot(), 50);
  assert.ok(lines.some(({ cells }) => cells.some(({ text }) => text.startsWith("client"))));
  for (const view of shown.views) view.tick(peer.session.snapshot());
  shown.bars.log("drawn");

  assert.ok(said(/"name":"name /) && shown.plain.some((line) => line.startsWith("name ")));
  assert.match(shown.terminal.lines().join("\n"), /name .*\n.*client /);
  for (const line of shown.json) JSON.parse(line);
  shown.assertClean(peer.log);
  for (const connection of connections) connection.close();
  shown.bars.close();
});

Deno.test("peer shows the name in a magnet link without what could harm", async () => {
  const shown = new Everything();
  await using peer = await TestSession.start();
  const link = `magnet:?xt=urn:btih:${"a".repeat(40)}&dn=${encodeURIComponent(`name ${HOSTILE}`)}`;
  peer.session.addMagnet(link, []).catch(() => {});
  await until(() => peer.session.snapshot().length === 1, "it is there");
  for (const view of shown.views) view.tick(peer.session.snapshot());
  shown.bars.log("drawn");
  assert.match(shown.plain.join(), /^name .*: fetching metadata/);
  assert.match(shown.terminal.lines().join(), /name .*: fetching metadata/);
  shown.assertClean([]);
  shown.bars.close();
  const { out, err } = await runCommand("info", link);
  for (const line of [...out, ...err]) assert.doesNotMatch(line, UNPRINTABLE);
});

Deno.test("peer prints tables, JSON and error lines without what could harm", async () => {
  const home = await Deno.makeTempDir();
  try {
    const path = join(home, "x.torrent");
    await Deno.writeFile(
      path,
      hostileTorrent({ announce: `http://h/${HOSTILE}`, "url-list": `http://h/${HOSTILE}` }),
    );
    const nothing = join(home, `nothing ${HOSTILE.replaceAll("/", "")}`);
    const commands = [
      ["info", path],
      ["info", path, "--json"],
      ["check", path],
      ["check", path, "--json"],
      ["edit", path, "--announce", `http://h/${HOSTILE}`],
      ["info", nothing],
      ["create", nothing],
      ["start", nothing],
      [`bad ${HOSTILE}`, "x"],
      ["start", "--port", HOSTILE],
      ["start", `--bad${HOSTILE}`],
      ["info", `magnet:?xt=${HOSTILE}`],
    ];
    for (const args of commands) {
      const { out, err } = await runCommand(...args, "--home", home);
      assert.ok(out.length + err.length > 0, args.join(" "));
      for (const line of [...out, ...err]) assert.doesNotMatch(line, UNPRINTABLE, JSON.stringify(args));
    }
    const { out } = await runCommand("info", path);
    assert.match(
      out.join("\n"),
      /^Name +name .*Comment +comment .*Created by +creator .*File +name .*file /s,
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("peer tells no keys of trackers and no passwords, in whatever way a request fails", async () => {
  await using busy = serve(() => new Response("", { status: 503 }));
  await using garbage = serve(() => new Response("<html>"));
  await using moved = serve(() =>
    new Response("", { status: 302, headers: { location: "http://h.invalid/SECRET" } })
  );
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const broken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const breaking = (async () => {
    for await (const connection of broken) {
      await connection.read(new Uint8Array(9));
      connection.close();
    }
  })();
  gone.close();
  const bases = [
    busy.url,
    garbage.url,
    moved.url,
    ...[gone, broken].map(({ addr }) => `http://127.0.0.1:${addr.port}`),
  ];
  const announce = bases.map((base) => `${base}/announce/SECRET?passkey=SECRET`);
  announce.push("http://user:SECRET@127.0.0.1/announce", "http://h.invalid/SECRET", `${busy.url}/SECRET`);
  const webSeeds = [
    `${busy.url}/x?token=SECRET`,
    "http://user:SECRET@127.0.0.1/x",
    "http://h.invalid/?SECRET",
  ];
  const shown = new Everything();
  await using peer = await TestSession.start({
    observe: (event) => shown.views.forEach((view) => view.event(event)),
  });
  const path = join(peer.home, "torrents", "x.torrent");
  const tiers = { "announce-list": announce.map((url) => [url]), "url-list": webSeeds };
  await Deno.writeFile(path, hostileTorrent(tiers));
  await peer.session.add(path, []);
  // All but the one with a user's name, which is no announce address.
  await peer.whenLogged(/ warn tracker /, announce.length - 1);
  const told = () => shown.json.filter((line) => /web seed|web-seed/.test(line)).length;
  await until(() => told() >= webSeeds.length, "web seeds were told of");
  for (const view of shown.views) view.tick(peer.session.snapshot());
  shown.bars.log("drawn");
  for (const line of [...shown.json, ...shown.plain, ...peer.log, ...shown.terminal.lines()]) {
    assert.ok(!line.includes("SECRET"), line);
  }
  shown.bars.close();
  broken.close();
  await breaking;
});
