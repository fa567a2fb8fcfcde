import assert from "node:assert/strict";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { shareCode } from "../../lib/protocol/share_code.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";

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
