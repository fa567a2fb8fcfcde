import {
  beginExchange,
  encodeInvitation,
  openCredentials,
  parseInvitation,
} from "../../protocol/invitation_messages.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { FleetCode } from "../../protocol/fleet_code.ts";
import type { Credentials } from "../../protocol/fleet_key.ts";
import { isConfirmedBy, type Spake2, type Spake2Result } from "../../protocol/spake2.ts";
import { FLEET } from "../../settings.ts";
import type { Extension } from "../extensions/extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** Hears how the try with a host has ended: with what makes this host a member, or with a refusal. */
type JoiningListener = (outcome: Credentials | "refused", host: Endpoint) => void;

/** A host that may be the lead, and how far it has come. */
interface Host {
  readonly send: (payload: Uint8Array) => void;
  /** Undefined while others are asked first. */
  exchange?: Spake2;
  /** Undefined until it has answered as a lead does. */
  result?: Spake2Result;
}

/**
 * The extension `peer_fleet` under the hash of an invitation, on the side of a host that has the code: it asks each
 * host that it meets there, as it cannot know which one is the lead. Others that join say so by asking as well. An
 * impostor that answers learns whether its one guess of the words was right, so the words are tried with few hosts.
 */
export class JoiningExtension implements Extension {
  readonly name = "peer_fleet";
  readonly #code: FleetCode;
  readonly #secretBytes: (length: number) => Uint8Array;
  readonly #listener: JoiningListener;
  readonly #hosts = new Map<RemotePeer, Host>();
  #tried = 0;

  constructor(code: FleetCode, secretBytes: (length: number) => Uint8Array, listener: JoiningListener) {
    this.#code = code;
    this.#secretBytes = secretBytes;
    this.#listener = listener;
  }

  /** Whether no host is connected that may be the lead. */
  get isAlone(): boolean {
    return this.#hosts.size === 0;
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (this.#hosts.has(peer)) return;
    this.#hosts.set(peer, { send });
    this.#ask();
  }

  /** Asks hosts that were not asked yet, as many as may be asked at once: each costs some milliseconds. */
  #ask(): void {
    const hosts = [...this.#hosts.values()];
    let free = FLEET.hostsAsked - hosts.filter(({ exchange }) => exchange !== undefined).length;
    for (const host of hosts) {
      if (free <= 0) return;
      if (host.exchange !== undefined) continue;
      host.exchange = beginExchange("joiner", this.#code, this.#secretBytes);
      host.send(encodeInvitation({ type: "share", share: host.exchange.share }));
      free--;
    }
  }

  /** Errors: `ProtocolError`. */
  received(peer: RemotePeer, payload: Uint8Array): void {
    const host = this.#hosts.get(peer);
    const message = parseInvitation(payload);
    const endpoint = peer.listens ?? peer.facts.endpoint;
    if (host?.exchange === undefined || message === undefined) return;
    switch (message.type) {
      case "share":
        // It joins as well.
        return this.peerLeft(peer);
      case "answer":
        return this.#confirm(host, host.exchange, message.share);
      case "confirmation": {
        const { result } = host;
        const isLead = result !== undefined && isConfirmedBy(message.confirmation, result);
        const credentials = isLead ? openCredentials(message.sealed, result) : undefined;
        return this.#listener(credentials ?? "refused", endpoint);
      }
      case "refusal":
        return this.#listener("refused", endpoint);
    }
  }

  #confirm(host: Host, exchange: Spake2, share: Uint8Array): void {
    if (host.result !== undefined || this.#tried >= FLEET.hostsTried) return;
    const result = exchange.finish(share);
    if (result === undefined) return;
    this.#tried++;
    host.result = result;
    host.send(encodeInvitation({ type: "confirmation", confirmation: result.own, sealed: new Uint8Array() }));
  }

  peerLeft(peer: RemotePeer): void {
    if (this.#hosts.delete(peer)) this.#ask();
  }
}
