import { KEY_LENGTH } from "../../protocol/cryptography.ts";
import { FleetChannel, type Member, type OwnMember } from "../../protocol/fleet_channel.ts";
import type { Extension } from "../extensions/extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** A connection to a member that has proved itself. */
export interface MemberLink {
  readonly member: Member;
  readonly peer: RemotePeer;
  /** Sends a message, sealed. */
  send(message: Uint8Array): void;
}

/** Hears of the members that are connected, and what they say. Times in ms. */
export interface FleetListener {
  memberCame(link: MemberLink, now: number): void;
  memberLeft(link: MemberLink, now: number): void;
  /** Errors: `ProtocolError`. */
  messageCame(link: MemberLink, message: Uint8Array<ArrayBuffer>, now: number): void;
}

/** One connection: the channel, and the member once it has proved itself. */
interface Line {
  readonly send: (payload: Uint8Array) => void;
  readonly channel: FleetChannel;
  link?: MemberLink;
}

/**
 * The extension `peer_fleet` under the hash of a fleet. Hosts that do not know the key of the fleet hear nothing, and
 * are not heard.
 */
export class FleetExtension implements Extension {
  readonly name = "peer_fleet";
  readonly #own: OwnMember;
  readonly #secretBytes: (length: number) => Uint8Array;
  readonly #listener: FleetListener;
  readonly #lines = new Map<RemotePeer, Line>();

  /** `secretBytes` yields random bytes that nobody can guess. */
  constructor(own: OwnMember, secretBytes: (length: number) => Uint8Array, listener: FleetListener) {
    this.#own = own;
    this.#secretBytes = secretBytes;
    this.#listener = listener;
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (this.#lines.has(peer)) return;
    const isDialler = !peer.facts.isIncoming;
    const channel = new FleetChannel(this.#own, isDialler, this.#secretBytes(KEY_LENGTH));
    this.#lines.set(peer, { send, channel });
    if (isDialler) send(channel.hello);
  }

  /** Errors: `ProtocolError`. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    const line = this.#lines.get(peer);
    if (line === undefined) return;
    const { reply, member, message } = line.channel.receive(payload);
    if (reply !== undefined) line.send(reply);
    if (member !== undefined) {
      const { channel, send } = line;
      line.link = { member, peer, send: (message) => send(channel.seal(message)) };
      this.#listener.memberCame(line.link, now);
    }
    if (message !== undefined && line.link !== undefined) {
      this.#listener.messageCame(line.link, message, now);
    }
  }

  peerLeft(peer: RemotePeer, now: number): void {
    const link = this.#lines.get(peer)?.link;
    this.#lines.delete(peer);
    if (link !== undefined) this.#listener.memberLeft(link, now);
  }
}
