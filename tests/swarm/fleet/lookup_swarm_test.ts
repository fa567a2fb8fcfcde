import assert from "node:assert/strict";
import { encode } from "../../../lib/protocol/bencode.ts";
import { parseExtendedHandshake } from "../../../lib/protocol/extension_messages.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { sha1 } from "../../../lib/protocol/info_hash.ts";
import { lookupHash } from "../../../lib/protocol/lookup_hash.ts";
import {
  encodeExtended,
  encodePlain,
  MessageId,
  MessageReader,
} from "../../../lib/protocol/peer_messages.ts";
import { LOOKUP, TRANSFER } from "../../../lib/settings.ts";
import type { Extension } from "../../../lib/swarm/extensions/extension.ts";
import { LookupSwarm } from "../../../lib/swarm/fleet/lookup_swarm.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { factsOf, FakeSender } from "../../harness/sessions/remote_peers.ts";
import { ownOptions } from "../../harness/sessions/surroundings.ts";

/** An extension that says its name to each peer, and notes what it is told. */
class Greeting implements Extension {
  readonly name = "peer_share";
  readonly heard: string[] = [];
  readonly left: RemotePeer[] = [];

  offered(_peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    send(toUtf8("hello"));
  }

  received(_peer: RemotePeer, payload: Uint8Array): void {
    this.heard.push(new TextDecoder().decode(payload));
  }

  peerLeft(peer: RemotePeer): void {
    this.left.push(peer);
  }
}

function swarmWith(extension: Extension): LookupSwarm {
  const infoHash = lookupHash("near");
  return new LookupSwarm({ ...ownOptions(), infoHash, extension, startedAt: 0, report() {} });
}

/** Hands one encoded message to the swarm. */
function receive(swarm: LookupSwarm, peer: RemotePeer, message: Uint8Array<ArrayBuffer>, now = 0): void {
  const reader = new MessageReader(TRANSFER.maxMessageBytes);
  reader.begins(message, message.length);
  assert(reader.next());
  swarm.messageReceived(peer, reader, now);
}

Deno.test("lookupHash is the SHA-1 of its purpose and the secret", () => {
  const secret = Uint8Array.of(1, 2, 3);
  assert.equal(lookupHash("near"), sha1(toUtf8("peer-near-1")).toHex());
  assert.equal(
    lookupHash("fleet", secret),
    sha1(Uint8Array.of(...toUtf8("peer-fleet-1"), ...secret)).toHex(),
  );
  assert.notEqual(lookupHash("share", secret), lookupHash("fleet", secret));
});

Deno.test("LookupSwarm dials the hosts it hears of, and speaks its extension with them", () => {
  const greeting = new Greeting();
  const swarm = swarmWith(greeting);
  const { endpoint } = factsOf(1);
  swarm.addPeers([endpoint], "lsd");
  assert.deepEqual(swarm.takeDials(10), [endpoint]);

  const sender = new FakeSender();
  const peer = swarm.peerConnected(factsOf(1), sender, 0);
  const offered = parseExtendedHandshake(sender.extended.shift()!.payload).extensions;
  assert.deepEqual([...offered.keys()].sort(), ["lan_peers", "peer_fleet", "peer_share", "ut_pex"]);
  receive(swarm, peer, encodeExtended(0, encode({ m: { peer_share: 9 } })));
  assert.deepEqual(sender.extended, [{ id: 9, payload: toUtf8("hello") }]);
  receive(swarm, peer, encodeExtended(offered.get("peer_share")!, toUtf8("good day")));
  assert.deepEqual(greeting.heard, ["good day"]);
  swarm.peerClosed(peer, "it left", 0);
  assert.deepEqual([greeting.left, swarm.connectionCount], [[peer], 0]);
});

Deno.test("LookupSwarm takes no notice of messages about pieces, and has nothing to give", () => {
  const swarm = swarmWith(new Greeting());
  const sender = new FakeSender();
  const peer = swarm.peerConnected(factsOf(1), sender, 0);
  sender.takeSent();
  for (const id of [MessageId.interested, MessageId.unchoke, MessageId.haveAll]) {
    receive(swarm, peer, encodePlain(id));
  }
  assert.deepEqual([sender.takeSent(), sender.queued, sender.closedFor], [[], [], undefined]);
});

Deno.test("LookupSwarm lets a silent host make room, refuses all when it is over, and refuses ourselves", () => {
  const swarm = swarmWith(new Greeting());
  const sender = new FakeSender();
  const peer = swarm.peerConnected(factsOf(1), sender, 0);
  assert.deepEqual([swarm.isInUse(peer, 1), swarm.isInUse(peer, LOOKUP.inUseMs)], [true, false]);
  assert.equal(swarm.refusal(factsOf(100)), "it is ourselves");
  assert.equal(swarm.refusal(factsOf(2)), undefined);
  swarm.stop("enough");
  assert.deepEqual([sender.closedFor, swarm.refusal(factsOf(2))], ["enough", "we are stopping"]);
});
