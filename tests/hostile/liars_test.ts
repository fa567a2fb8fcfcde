import assert from "node:assert/strict";
import {
  encodePlain,
  MessageId,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { LoopbackNode, until } from "../harness/sessions/loopback_node.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker, ATTACKER_ADDRESS } from "./attacker.ts";
import { needs } from "../harness/processes/require_tool.ts";

/** Few pieces of many blocks, so that a piece comes from several peers. */
const PIECE_LENGTH = 32 * BLOCK_LENGTH;
const data = randomBytes(6 * PIECE_LENGTH, 1);
const metainfo = metainfoOf(data, PIECE_LENGTH);

/** Claims to have everything, and answers each request with the block, changed where `isWrong` says so. */
function lie(liar: Attacker, isWrong: (block: number) => boolean): void {
  let answered = 0;
  void liar.send(encodePlain(MessageId.haveAll), encodePlain(MessageId.unchoke));
  void liar.listen(({ id, index, begin, length }) => {
    if (id !== MessageId.request) return;
    const message = new Uint8Array(PIECE_HEADER_LENGTH + length);
    const from = index * PIECE_LENGTH + begin;
    writePieceHeader(message, 0, index, begin, length);
    message.set(data.subarray(from, from + length), PIECE_HEADER_LENGTH);
    if (isWrong(answered++)) message[message.length - 1] ^= 1;
    return liar.send(message);
  });
}

/** Whom a corrupt piece came from, for each, in the order they were found. */
function blamed(node: LoopbackNode): (readonly string[])[] {
  return node.events.flatMap((event) => event.event === "corrupt" ? [event.peers] : []);
}

const reasonFor = (node: LoopbackNode, address: string) =>
  node.events.flatMap((event) =>
    event.event === "disconnected" && event.peer.startsWith(address) ? [event.reason] : []
  );

for (const isEncrypted of [false, true]) {
  const how = isEncrypted ? "encrypted" : "plain";
  needs("addresses to attack from")(
    `peer (${how}) bans a liar that is alone with the first piece it lied about`,
    async () => {
      await using node = new LoopbackNode(metainfo, null);
      using liar = await Attacker.connect(node.listener.port, metainfo.infoHash, { isEncrypted });
      lie(liar, () => true);
      await until(() => reasonFor(node, ATTACKER_ADDRESS).length > 0, "banned", 20_000);
      assert.deepEqual(reasonFor(node, ATTACKER_ADDRESS), ["it sent wrong data"]);
      assert.equal(blamed(node).length, 1);
      const again = await Attacker.connect(node.listener.port, metainfo.infoHash, { isEncrypted });
      await until(() => again.isDropped, "refused");
      assert.match(node.log.join(), /refused: it is banned/);
      again[Symbol.dispose]();
    },
  );

  needs("addresses to attack from")(
    `peer (${how}) finds a liar among honest peers, and keeps those`,
    async () => {
      await using a = new LoopbackNode(metainfo, data, { id: 50 });
      await using b = new LoopbackNode(metainfo, data, { id: 52 });
      await using node = new LoopbackNode(metainfo, null, { id: 51 });
      using liar = await Attacker.connect(node.listener.port, metainfo.infoHash, { isEncrypted });
      lie(liar, (block) => block % 3 === 0);
      // It must have got hold of something before the honest ones are there, which are much faster.
      await until(
        () => [...node.swarm.download.routing.pieces].some((piece) => piece.receivedBlocks > 0),
        "begun",
      );
      node.dial(a.listener.port);
      node.dial(b.listener.port);
      await until(() => node.swarm.seeding, "complete", 20_000);
      assert.deepEqual(node.storage.data, data);
      assert(blamed(node).length > 0);
      await until(() => reasonFor(node, ATTACKER_ADDRESS).includes("it sent wrong data"), "banned");
      assert.deepEqual(
        reasonFor(node, "127.0.0.1").filter((reason) => reason !== "both have everything"),
        [],
      );
    },
  );
}
