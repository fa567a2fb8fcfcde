import {
  beginExchange,
  encodeInvitation,
  parseInvitation,
  sealCredentials,
} from "../../protocol/invitation_messages.ts";
import type { FleetCode } from "../../protocol/fleet_code.ts";
import type { Credentials } from "../../protocol/fleet_key.ts";
import { isConfirmedBy, type Spake2Result } from "../../protocol/spake2.ts";
import { FLEET } from "../../settings.ts";
import type { Extension } from "../extensions/extension.ts";
import { Allowance } from "../peers/allowance.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** How an invitation has ended, or that it has not. */
export type InvitationState = "open" | "all have joined" | "three wrong guesses";

/** What an invitation is made of. */
interface InvitationOptions {
  readonly code: FleetCode;
  /** What those who know the code are given. */
  readonly credentials: Credentials;
  /** How many may join. */
  readonly count: number;
  /** Random bytes that nobody can guess. */
  secretBytes(length: number): Uint8Array;
  /** Somebody has joined, or guessed wrong. */
  changed(): void;
}

/** A host that asks to join, and how far it has come. */
interface Joiner {
  readonly send: (payload: Uint8Array) => void;
  /** Undefined until it has sent its share. */
  result?: Spake2Result;
  /** Whether it has used up its one try. */
  hasTried: boolean;
}

/**
 * The extension `peer_fleet` under the hash of an invitation, on the side of the lead: whoever proves to know the words
 * gets the credentials. Each connection may try once, and the third wrong guess of all ends the invitation.
 */
export class InvitationExtension implements Extension {
  readonly name = "peer_fleet";
  readonly #options: InvitationOptions;
  readonly #joiners = new Map<RemotePeer, Joiner>();
  readonly #tries = new Allowance(FLEET.tries);
  #joined = 0;
  #wrongGuesses = 0;

  constructor(options: InvitationOptions) {
    this.#options = options;
  }

  /** How many have joined. */
  get joined(): number {
    return this.#joined;
  }

  get state(): InvitationState {
    if (this.#wrongGuesses >= FLEET.guesses) return "three wrong guesses";
    return this.#joined >= this.#options.count ? "all have joined" : "open";
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (!this.#joiners.has(peer)) this.#joiners.set(peer, { send, hasTried: false });
  }

  /** Errors: `ProtocolError`. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    const joiner = this.#joiners.get(peer);
    const message = parseInvitation(payload);
    if (joiner === undefined || joiner.hasTried) return;
    if (message?.type !== "share" && message?.type !== "confirmation") return;
    if (this.state !== "open") {
      joiner.hasTried = true;
      return joiner.send(encodeInvitation({ type: "refusal" }));
    }
    if (message.type === "share") return this.#answerShare(joiner, message.share, now);
    if (joiner.result === undefined) return;
    joiner.hasTried = true;
    if (isConfirmedBy(message.confirmation, joiner.result)) {
      this.#joined++;
      const sealed = sealCredentials(this.#options.credentials, joiner.result);
      joiner.send(encodeInvitation({ type: "confirmation", confirmation: joiner.result.own, sealed }));
    } else {
      this.#wrongGuesses++;
      joiner.send(encodeInvitation({ type: "refusal" }));
    }
    this.#options.changed();
  }

  #answerShare(joiner: Joiner, share: Uint8Array, now: number): void {
    if (joiner.result !== undefined || !this.#tries.take(now)) return;
    const { code, secretBytes } = this.#options;
    const exchange = beginExchange("lead", code, secretBytes);
    const result = exchange.finish(share);
    if (result === undefined) return;
    joiner.result = result;
    joiner.send(encodeInvitation({ type: "answer", share: exchange.share }));
  }

  peerLeft(peer: RemotePeer): void {
    this.#joiners.delete(peer);
  }
}
