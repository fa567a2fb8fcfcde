import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import { encodeTrackerList, parseTrackerList } from "../../protocol/extension_messages.ts";
import { SUCCESSION } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import type { StandIns } from "../tracker/succession.ts";
import type { FirstHand, Successor, Successors } from "../tracker/successors.ts";
import { type Extension, type ExtensionsContext, meansSameTo, usableFrom } from "./extension.ts";

/** A connected peer that understands `lan_trackers`. */
interface Listener {
  readonly send: (payload: Uint8Array) => void;
  readonly accepted: Allowance;
}

/**
 * The extension `lan_trackers`: peers of our kind tell each other which trackers stand in for one that is gone, so that
 * those who came later find them too.
 */
export class LanTrackersExtension implements Extension, StandIns {
  readonly name = "lan_trackers";
  readonly #context: ExtensionsContext;
  readonly #successors: Successors;
  readonly #listeners = new Map<RemotePeer, Listener>();
  /** The trackers that all listeners were told. */
  #told: readonly Endpoint[] = [];
  #nextLookAt = 0;

  constructor(context: ExtensionsContext, successors: Successors) {
    this.#context = context;
    this.#successors = successors;
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (this.#listeners.has(peer)) return;
    this.#listeners.set(peer, { send, accepted: new Allowance(SUCCESSION.accepted) });
    this.#tell(peer);
  }

  /** Takes what a peer says of trackers. It is never passed on. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    if (!this.#listeners.get(peer)?.accepted.take(now)) return;
    const trackers = usableFrom(peer, parseTrackerList(payload, SUCCESSION.count));
    this.#successors.told(peer, trackers.filter((each) => !this.#isOwn(each)));
  }

  peerLeft(peer: RemotePeer): void {
    this.#listeners.delete(peer);
    this.#successors.forget(peer);
  }

  tick(now: number): void {
    if (now < this.#nextLookAt) return;
    this.#nextLookAt = now + SUCCESSION.lookMs;
    const tellable = this.#successors.tellable(now, this.#firstHand);
    if (namesOf(tellable) === namesOf(this.#told)) return;
    this.#told = tellable;
    for (const peer of this.#listeners.keys()) this.#tell(peer);
  }

  // What the announces need

  at(now: number, isLeftOut: (endpoint: Endpoint) => boolean): Successor[] {
    return this.#successors.at(now, this.#firstHand, isLeftOut);
  }

  answered(endpoint: Endpoint, now: number): void {
    this.#successors.answered(endpoint, now);
  }

  failed(endpoint: Endpoint, now: number): void {
    this.#successors.failed(endpoint, now);
  }

  isConnected(address: string): boolean {
    return this.#peers.some(({ facts }) => facts.endpoint.address === address);
  }

  get #peers(): RemotePeer[] {
    return [...this.#context.roster.connected.values()];
  }

  get #firstHand(): FirstHand {
    const { trackerPort } = this.#context.surroundings;
    const own = trackerPort === undefined
      ? []
      : [...this.#ownAddresses].map((address) => ({ address, port: trackerPort }));
    return { connected: this.#context.roster.trackers, own };
  }

  /** The addresses by which peers know us. */
  get #ownAddresses(): ReadonlySet<string> {
    return new Set(this.#peers.filter(({ isWebSeed }) => !isWebSeed).map(({ facts }) => facts.localAddress));
  }

  #isOwn({ address, port }: Endpoint): boolean {
    return port === this.#context.surroundings.trackerPort && this.#ownAddresses.has(address);
  }

  #tell(peer: RemotePeer): void {
    const tellable = this.#told.filter((endpoint) => meansSameTo(peer, endpoint));
    this.#listeners.get(peer)?.send(encodeTrackerList(tellable));
  }
}

function namesOf(endpoints: readonly Endpoint[]): string {
  return endpoints.map(formatEndpoint).join();
}
