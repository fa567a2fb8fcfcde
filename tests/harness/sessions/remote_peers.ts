/** Remote peers without a network: what is said to them can be read. */
import { PEER_ID_PREFIX } from "../../../lib/protocol/peer_id.ts";
import { MessageId, MessageReader } from "../../../lib/protocol/peer_messages.ts";
import { TRANSFER } from "../../../lib/settings.ts";
import type { PeerSender } from "../../../lib/swarm/ports.ts";
import { type PeerFacts, RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";

const NAMES = new Map<number, string>(Object.entries(MessageId).map(([name, id]) => [id, name]));

/** A connection that leads nowhere and remembers what was sent over it. */
export class FakeSender implements PeerSender {
  /** Messages since `takeSent`, each as `name`, `have 3` or `request 3 0 16384`. */
  #sent: string[] = [];
  /** Payloads of extended messages, with the number of the extension in front. */
  readonly extended: { id: number; payload: Uint8Array }[] = [];
  /** Blocks that wait to be sent, each as `3 0 16384`. */
  readonly queued: string[] = [];
  /** Why it was closed; undefined while it is not. */
  closedFor: string | undefined;

  send(message: Uint8Array): void {
    const reader = new MessageReader(TRANSFER.maxMessageBytes);
    reader.begins(message, message.length);
    while (reader.next()) {
      const { id, index, begin, length } = reader;
      const name = NAMES.get(id)!;
      if (id === MessageId.extended) {
        this.extended.push({ id: reader.extendedId, payload: reader.payload });
      }
      if (id === MessageId.have || id === MessageId.suggest || id === MessageId.allowedFast) {
        this.#sent.push(`${name} ${index}`);
      } else if (id === MessageId.request || id === MessageId.cancel || id === MessageId.reject) {
        this.#sent.push(`${name} ${index} ${begin} ${length}`);
      } else this.#sent.push(name);
    }
  }

  sendSoon(message: Uint8Array): void {
    this.send(message);
  }

  queueBlock(index: number, begin: number, length: number): void {
    this.queued.push(`${index} ${begin} ${length}`);
  }

  dropBlock(index: number, begin: number, length: number): boolean {
    const at = this.queued.indexOf(`${index} ${begin} ${length}`);
    if (at >= 0) this.queued.splice(at, 1);
    return at >= 0;
  }

  dropBlocks(each: (index: number, begin: number, length: number) => void): number {
    const dropped = this.queued.splice(0);
    for (const block of dropped) {
      const [index, begin, length] = block.split(" ").map(Number);
      each(index, begin, length);
    }
    return dropped.length;
  }

  get queuedBlocks(): number {
    return this.queued.length;
  }

  close(reason: string): void {
    this.closedFor ??= reason;
  }

  /** What was sent since the last call. */
  takeSent(): string[] {
    return this.#sent.splice(0);
  }
}

/** Facts of a peer at 10.0.0.`number` that we dialled, but for `changes`. */
export function factsOf(number: number, changes: Partial<PeerFacts> = {}): PeerFacts {
  return {
    endpoint: { address: `10.0.0.${number}`, port: 6881 },
    localAddress: "10.0.0.100",
    peerId: peerIdOf(number),
    isIncoming: false,
    isEncrypted: false,
    supportsFast: true,
    supportsExtensions: true,
    ...changes,
  };
}

/** A peer id of one repeated byte. */
export function peerIdOf(number: number): Uint8Array {
  return new Uint8Array(20).fill(number);
}

/** A peer id of our own kind; a higher number makes a higher id. */
export function ourIdOf(number: number): Uint8Array {
  return peerIdOf(number).map((byte, i) => i < PEER_ID_PREFIX.length ? PEER_ID_PREFIX.charCodeAt(i) : byte);
}

/** A remote peer and the connection to it. */
export interface FakePeer {
  readonly peer: RemotePeer;
  readonly sender: FakeSender;
}

/** A remote peer at 10.0.0.`number` of a torrent of `pieceCount` pieces, connected at 0 ms. */
export function fakePeer(number: number, pieceCount: number, changes: Partial<PeerFacts> = {}): FakePeer {
  const sender = new FakeSender();
  return { peer: new RemotePeer(number, pieceCount, factsOf(number, changes), sender, 0), sender };
}
