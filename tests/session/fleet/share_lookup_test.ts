import assert from "node:assert/strict";
import { encode } from "../../../lib/protocol/bencode.ts";
import { EXTENDED_HANDSHAKE_ID, OUR_EXTENSIONS } from "../../../lib/protocol/extension_messages.ts";
import { type InfoHash, infoHashBytes, infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import { encodeMetadataData } from "../../../lib/protocol/metadata_messages.ts";
import { encodeMetainfo } from "../../../lib/protocol/metainfo.ts";
import { encodeExtended, MessageId } from "../../../lib/protocol/peer_messages.ts";
import { readShareCode, shareCode } from "../../../lib/protocol/share_code.ts";
import {
  encodeShareAnswer,
  encodeShareQuestion,
  MAX_SHARES,
  type Share,
} from "../../../lib/protocol/share_messages.ts";
import { SHARING } from "../../../lib/settings.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { Attacker } from "../../hostile/attacker.ts";
import { peerIdOf } from "../../harness/sessions/remote_peers.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";
import { sharedData, TestSession } from "../../harness/sessions/test_session.ts";

const PIECE = 16 * 1024;
const at = ({ session }: TestSession) => `127.0.0.1:${session.port}`;
const bytesOf = (seed: number) => {
  const metainfo = metainfoOf(randomBytes(3 * PIECE, seed), PIECE);
  return {
    metainfo,
    bytes: encodeMetainfo(metainfo.rawInfo, { announceTiers: [["http://10.0.0.5:6969/announce"]] }),
  };
};

Deno.test("Session finds a torrent by its code, verified by its metadata, and gets it by the link it is told", async () => {
  const shared = sharedData(100_000);
  const { infoHash } = shared.metainfo;
  await using holder = await TestSession.start({ name: "pc-17" });
  await holder.seed(shared);
  await using getter = await TestSession.start();
  for (const code of [shareCode(infoHash), shareCode(infoHash, true).toUpperCase().replaceAll(" ", "-")]) {
    const { shares, hosts, refused } = await getter.session.lookUp({ code, peers: [at(holder)] });
    assert.deepEqual([shares.length, hosts, refused], [1, 1, 0]);
    const [{ magnet: _, ...share }] = shares;
    assert.deepEqual(share, {
      infoHash,
      name: shared.metainfo.name,
      length: 100_000,
      files: 1,
      isVerified: true,
      isHere: false,
      isListed: false,
      code: shareCode(infoHash),
      strongCode: shareCode(infoHash, true),
      hosts: [{ name: "pc-17", endpoint: at(holder) }],
    });
  }
  const { shares: [{ magnet }] } = await getter.session.lookUp({
    code: shareCode(infoHash),
    peers: [at(holder)],
  });
  await getter.session.open({ magnet });
  await getter.completes(shared);
  const again = await getter.session.lookUp({ code: shareCode(infoHash) });
  assert.deepEqual(again.shares.map(({ isHere }) => isHere), [true]);
});

Deno.test("Session lists what is shared near by, but for what is hidden, private or paused", async () => {
  await using holder = await TestSession.start();
  const [open, hidden, paused] = [bytesOf(1), bytesOf(2), bytesOf(3)];
  await holder.session.open({ bytes: open.bytes }, { isListed: true });
  await holder.session.open({ bytes: hidden.bytes }, { isListed: false });
  await holder.session.open({ bytes: paused.bytes }, { isListed: true, isPaused: true });
  const secret = metainfoOf(randomBytes(3 * PIECE, 4), PIECE, "secret.bin", undefined, true);
  await holder.session.open({ bytes: encodeMetainfo(secret.rawInfo, { announceTiers: [] }) }, {
    isListed: true,
  });
  const isReady = () => holder.session.snapshot().every(({ state }) => state !== "checking");
  await until(isReady, "checked", 20_000);
  const wasAnswered = async (infoHash: InfoHash) => {
    using stranger = await Attacker.connect(
      holder.session.port,
      readShareCode(shareCode(infoHash)).lookupHash,
    );
    return stranger.wasAnswered;
  };
  const all = [hidden.metainfo, paused.metainfo, secret].map(({ infoHash }) => infoHash);
  assert.deepEqual(await Promise.all(all.map(wasAnswered)), [true, false, false]);
  await using asking = await TestSession.start();
  const { shares } = await asking.session.lookUp({ peers: [at(holder)] });
  assert.deepEqual(shares.map(({ infoHash }) => infoHash), [open.metainfo.infoHash]);
  assert.deepEqual(shares.map(({ isVerified }) => isVerified), [false]);
  assert(shares[0].magnet.includes(encodeURIComponent("http://10.0.0.5:6969/announce")));
});

Deno.test("Session says of words that are no code which one is wrong", async () => {
  await using session = await TestSession.start();
  await assert.rejects(
    session.session.lookUp({ code: "abandon ability able aboot" }),
    /got aboot; did you mean about\?/,
  );
  await assert.rejects(session.session.lookUp({ code: "abandon ability" }), /4 or 6 words, got 2/);
});

/** A torrent that does not exist, under the code of another one: its info-hash begins with the same 66 bits. */
const forgedLike = (infoHash: InfoHash, mark: number) =>
  infoHashFromBytes(infoHashBytes(infoHash).fill(mark, 9));

/** A host that claims to share these torrents under a lookup hash, `times` over. */
async function claim(
  port: number,
  lookup: InfoHash,
  shares: readonly Share[],
  from: string,
): Promise<Attacker> {
  const attacker = await Attacker.connect(port, lookup, { from, peerId: peerIdOf(from.length) });
  const answer = encodeExtended(OUR_EXTENSIONS.peer_share, encodeShareAnswer("liar", shares));
  await attacker.send(
    encodeExtended(EXTENDED_HANDSHAKE_ID, encode({ m: { peer_share: 1 }, p: 9 })),
    answer,
    answer,
  );
  void attacker.listen();
  return attacker;
}

needs("addresses to attack from")(
  "Session refuses forged answers and wrong metadata, and finds the honest host all the same",
  async () => {
    const shared = sharedData(100_000);
    const { infoHash, rawInfo } = shared.metainfo;
    await using holder = await TestSession.start();
    await holder.seed(shared);
    await using getter = await TestSession.start();
    const { port } = getter.session;
    const code = readShareCode(shareCode(infoHash));
    const finding = getter.session.lookUp({ code: code.text });
    const shareOf = (infoHash: InfoHash): Share => (
      { infoHash, name: "forged", length: 1, files: 1, trackers: [], isListed: true }
    );
    const forged = Array.from({ length: 100 }, (_, mark) => shareOf(forgedLike(infoHash, mark)));
    const other = shareOf(infoHashFromBytes(new Uint8Array(20).fill(1)));
    const liars = [];
    for (let host = 1; host <= 20; host++) {
      liars.push(
        await claim(port, code.lookupHash, [other, ...forged.slice(host, host + 50)], `127.0.1.${host}`),
      );
    }
    // One of them gives metadata, too: it is not that of the torrent.
    const giving = await Attacker.connect(port, forged[1].infoHash, { from: "127.0.1.1" });
    const wrong = encodeMetadataData(0, rawInfo);
    const size = rawInfo.length;
    await giving.send(
      encodeExtended(EXTENDED_HANDSHAKE_ID, encode({ m: { ut_metadata: 2 }, metadata_size: size })),
      encodeExtended(OUR_EXTENSIONS.ut_metadata, wrong),
    );
    const honest = holder.session.lookUp({ code: code.text, peers: [at(getter)] });
    const { shares, refused } = await finding;
    assert.deepEqual(shares.map(({ infoHash }) => infoHash), [infoHash]);
    assert.equal(shares[0].name, shared.metainfo.name);
    assert(refused >= 20, `${refused} refused`);
    await honest;
    for (const attacker of [...liars, giving]) attacker[Symbol.dispose]();
  },
);

needs("addresses to attack from")(
  "A stranger that asks without end, or says nonsense, is answered a few times, and an honest question beside it is",
  async () => {
    const shared = sharedData(100_000);
    await using holder = await TestSession.start();
    await holder.seed(shared);
    await using getter = await TestSession.start();
    const code = readShareCode(shareCode(shared.metainfo.infoHash));
    const startedAt = performance.now();
    const say = (payload: Uint8Array) => encodeExtended(OUR_EXTENSIONS.peer_share, payload);
    const floods = [encodeShareQuestion(), new Uint8Array(40), encode({ q: 1, junk: new Uint8Array(9_000) })]
      .map(async (payload, at) => {
        let answers = 0;
        const { promise: isAnswered, resolve } = Promise.withResolvers<void>();
        using stranger = await Attacker.connect(holder.session.port, code.lookupHash, {
          from: `127.0.1.${at + 1}`,
          peerId: peerIdOf(at + 1),
        });
        await stranger.send(encodeExtended(EXTENDED_HANDSHAKE_ID, encode({ m: { peer_share: 1 }, p: 9 })));
        const listening = stranger.listen(({ id, extendedId }) => {
          if (id !== MessageId.extended || extendedId !== 1) return;
          answers++;
          resolve();
        });
        await stranger.send(say(encodeShareQuestion()));
        await Promise.race([isAnswered, listening]);
        await stranger.flood(20_000, say(payload));
        stranger[Symbol.dispose]();
        await listening;
        return answers;
      });
    const { shares } = await getter.session.lookUp({ code: code.text, peers: [at(holder)] });
    assert.deepEqual(shares.map(({ infoHash }) => infoHash), [shared.metainfo.infoHash]);
    const answers = await Promise.all(floods);
    const { burst, perSecond } = SHARING.questions;
    const most = burst + perSecond * (performance.now() - startedAt) / 1_000;
    for (const count of answers) assert(count > 0 && count <= most, `${count} answers, ${most} at most`);
  },
);

Deno.test("Session ends its questions when it stops, and asks no more at once than it may", async () => {
  const test = await TestSession.start();
  const code = (mark: number) => shareCode(infoHashFromBytes(new Uint8Array(20).fill(mark)));
  const questions = Array.from(
    { length: SHARING.atOnce },
    (_, mark) => test.session.lookUp({ code: code(mark) }),
  );
  const ended = Promise.allSettled(questions);
  await assert.rejects(test.session.lookUp({ code: code(200) }), /at most 16 questions at once/);
  await test[Symbol.asyncDispose]();
  assert((await ended).every(({ status }) => status === "rejected"));
});

needs("answers within 20 ms")(
  "Session answers for hundreds of torrents, and a question among them is answered soon",
  async () => {
    await using holder = await TestSession.start();
    const many = Array.from(
      { length: 300 },
      (_, seed) => metainfoOf(new Uint8Array(16).fill(seed).fill(seed >> 8, 8), PIECE),
    );
    for (const { rawInfo } of many) {
      await holder.session.open({ bytes: encodeMetainfo(rawInfo, { announceTiers: [] }) }, {
        isListed: true,
      });
    }
    const isReady = () => holder.session.snapshot().every(({ state }) => state !== "checking");
    await until(isReady, "checked", 20_000);
    await using getter = await TestSession.start();
    const startedAt = performance.now();
    const { shares } = await getter.session.lookUp({
      code: shareCode(many[150].infoHash),
      peers: [at(holder)],
    });
    assert.deepEqual(shares.map(({ infoHash }) => infoHash), [many[150].infoHash]);
    assert(performance.now() - startedAt < 3_000);
    const near = await getter.session.lookUp({ peers: [at(holder)] });
    assert.equal(near.shares.length, MAX_SHARES);
  },
);
