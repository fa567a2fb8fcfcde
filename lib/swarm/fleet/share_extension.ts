import type { Endpoint } from "../../protocol/endpoint.ts";
import {
  encodeShareAnswer,
  encodeShareQuestion,
  parseShareMessage,
  type Share,
} from "../../protocol/share_messages.ts";
import { SHARING } from "../../settings.ts";
import type { Extension } from "../extensions/extension.ts";
import { Allowance } from "../peers/allowance.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** An answer, and the host that gave it. */
export interface HostShares {
  /** Where the host accepts peers; where the answer came from, if it did not say. */
  readonly endpoint: Endpoint;
  /** The name by which people know the machine; its address where it told none. */
  readonly host: string;
  readonly shares: readonly Share[];
}

/** Hears answers to the question that it asks. */
type ShareListener = (answer: HostShares) => void;

/** A host that understands the extension. */
interface Partner {
  readonly send: (payload: Uint8Array) => void;
  readonly questions: Allowance;
  readonly answers: Allowance;
}

/**
 * The extension `peer_share` under one lookup hash: it tells hosts that ask what we share under it, and asks all hosts
 * there while somebody listens.
 */
export class ShareExtension implements Extension {
  readonly name = "peer_share";
  readonly #machine: string;
  readonly #sharesFor: (address: string) => readonly Share[];
  readonly #partners = new Map<RemotePeer, Partner>();
  readonly #listeners = new Set<ShareListener>();

  /**
   * `machine`: our name in the room; `sharesFor`: what a host at an address is told that we share under this lookup hash
   * now, the newest first.
   */
  constructor(machine: string, sharesFor: (address: string) => readonly Share[]) {
    this.#machine = machine;
    this.#sharesFor = sharesFor;
  }

  /** Asks all hosts here, also those that come; returns the function that ends this. */
  ask(listener: ShareListener): () => void {
    this.#listeners.add(listener);
    for (const { send } of this.#partners.values()) send(encodeShareQuestion());
    return () => void this.#listeners.delete(listener);
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (this.#partners.has(peer)) return;
    const { questions, answers } = SHARING;
    this.#partners.set(peer, { send, questions: new Allowance(questions), answers: new Allowance(answers) });
    if (this.#listeners.size > 0) send(encodeShareQuestion());
  }

  /** What comes too often is left unanswered, or unheard. Errors: `ProtocolError`. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    const partner = this.#partners.get(peer);
    if (partner === undefined) return;
    const message = parseShareMessage(payload);
    if (message?.type === "question") {
      if (!partner.questions.take(now)) return;
      const shares = this.#sharesFor(peer.facts.endpoint.address);
      return partner.send(encodeShareAnswer(this.#machine, shares));
    }
    if (message === undefined || this.#listeners.size === 0 || !partner.answers.take(now)) return;
    const endpoint = peer.listens ?? peer.facts.endpoint;
    const answer = { endpoint, host: message.host || endpoint.address, shares: message.shares };
    for (const listener of this.#listeners) listener(answer);
  }

  peerLeft(peer: RemotePeer): void {
    this.#partners.delete(peer);
  }
}
