/**
 * A web seed (BEP 19) in the place of a remote peer: it has everything, chokes nobody and wants nothing.
 *
 *   swarm → requests → runs of blocks, each one range of a piece → HTTP → piece messages → swarm
 *
 * So all that the swarm does about peers, it does about web seeds: windows, lost blocks, and the ban for wrong data.
 */
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { sha1 } from "../../protocol/info_hash.ts";
import {
  encodePlain,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../protocol/peer_messages.ts";
import { TRANSFER, WEB_SEED } from "../../settings.ts";
import type { PeerSender } from "../../swarm/ports.ts";
import type { RemotePeer } from "../../swarm/peers/remote_peer.ts";
import type { Swarm } from "../../swarm/swarm.ts";
import type { WebSeed, WebSeedFailure } from "./web_seed.ts";

interface Block {
  readonly index: number;
  readonly begin: number;
  readonly length: number;
}

/**
 * Uses a web seed until the swarm has what it wants, the server fails for good or sends wrong data, or `signal`
 * aborts; a server that may recover is left alone for a while. `now` is a monotonic clock in ms. Never rejects.
 */
export async function runWebSeed(
  url: string,
  seed: WebSeed,
  swarm: Swarm,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !swarm.isFinished) {
    const failure = await new WebSeedPeer(url, seed, swarm, now).run();
    seed.close();
    if (failure?.retryInMs === undefined) return;
    await delay(failure.retryInMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

/** One connection in the swarm's eyes; over HTTP, as many requests as it takes. */
class WebSeedPeer implements PeerSender {
  readonly #url: string;
  readonly #seed: WebSeed;
  readonly #swarm: Swarm;
  /** Monotonic clock in ms. */
  readonly #now: () => number;
  readonly #requests: Block[] = [];
  readonly #toUs = new MessageReader(TRANSFER.maxMessageBytes);
  readonly #toServer = new MessageReader(TRANSFER.maxMessageBytes);
  readonly #closing = new AbortController();
  #reason = "";
  /** Wakes the loop when it waits for requests. */
  #wake: (() => void) | undefined;

  constructor(url: string, seed: WebSeed, swarm: Swarm, now: () => number) {
    this.#url = url;
    this.#seed = seed;
    this.#swarm = swarm;
    this.#now = now;
  }

  /** Runs until it is closed; returns how the server failed, if that was why. Never rejects. */
  async run(): Promise<WebSeedFailure | undefined> {
    const facts = {
      endpoint: { address: "0.0.0.0", port: 0 },
      localAddress: "0.0.0.0",
      peerId: sha1(toUtf8(this.#url)),
      isIncoming: true,
      supportsFast: true,
      supportsExtensions: false,
      url: this.#url,
    };
    if (this.#swarm.refusal(facts) !== undefined) return undefined;
    const peer = this.#swarm.peerConnected(facts, this, this.#now());
    let failure: WebSeedFailure | undefined;
    try {
      this.#hand(peer, encodePlain(MessageId.haveAll));
      this.#hand(peer, encodePlain(MessageId.unchoke));
      failure = await this.#serve(peer);
      if (failure !== undefined) this.close(failure.reason);
    } catch (error) {
      this.close(messageOf(error));
    }
    this.#swarm.peerClosed(peer, this.#reason, this.#now());
    return failure;
  }

  async #serve(peer: RemotePeer): Promise<WebSeedFailure | undefined> {
    const { signal } = this.#closing;
    const { storage, limits: { download: limit } } = this.#swarm;
    while (!signal.aborted) {
      if (!storage.hasRoom()) await storage.whenRoom();
      const run = this.#takeRun();
      if (run.length === 0) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const bytes = new Uint8Array(run.reduce((sum, { length }) => sum + length, 0));
      const [{ index, begin }] = run;
      const failure = await this.#seed.fetchRange(index, begin, bytes, signal);
      if (failure !== undefined) return failure;
      this.#deliver(peer, run, bytes);
      if (limit.portion === Infinity) continue;
      peer.isHeldUp = true;
      await limit.spend(bytes.length, signal);
      peer.isHeldUp = false;
      peer.heldUpAt = this.#now();
    }
  }

  /** The first request and those that follow it in the same piece without a gap, as far as one range may go. */
  #takeRun(): Block[] {
    const [first] = this.#requests;
    if (first === undefined) return [];
    let end = first.begin;
    const isNext = ({ index, begin, length }: Block) =>
      index === first.index && begin === end && (end += length) - first.begin <= WEB_SEED.maxRangeBytes;
    const count = this.#requests.findIndex((request) => !isNext(request));
    return this.#requests.splice(0, count < 0 ? this.#requests.length : Math.max(count, 1));
  }

  #deliver(peer: RemotePeer, run: readonly Block[], bytes: Uint8Array): void {
    for (const { index, begin, length } of run) {
      if (this.#closing.signal.aborted) return;
      const message = new Uint8Array(PIECE_HEADER_LENGTH + length);
      writePieceHeader(message, 0, index, begin, length);
      message.set(bytes.subarray(begin - run[0].begin, begin - run[0].begin + length), PIECE_HEADER_LENGTH);
      this.#hand(peer, message);
    }
    this.#swarm.batchReceived(peer, this.#now());
  }

  /** Hands the swarm a message as if it had come from a peer. */
  #hand(peer: RemotePeer, message: Uint8Array): void {
    this.#toUs.begins(message, message.length);
    while (this.#toUs.next()) this.#swarm.messageReceived(peer, this.#toUs, this.#now());
  }

  // PeerSender

  /** Of all that is said to a peer, only requests and cancels mean something to a web server. */
  send(message: Uint8Array): void {
    const reader = this.#toServer;
    reader.begins(message, message.length);
    while (reader.next()) {
      const { id, index, begin, length } = reader;
      if (id === MessageId.request) this.#requests.push({ index, begin, length });
      if (id !== MessageId.cancel) continue;
      const at = this.#requests.findIndex((request) => request.index === index && request.begin === begin);
      if (at >= 0) this.#requests.splice(at, 1);
    }
    this.#wakeUp();
  }

  sendSoon(): void {}

  queueBlock(): void {}

  dropBlock(): boolean {
    return false;
  }

  dropBlocks(): number {
    return 0;
  }

  get queuedBlocks(): number {
    return 0;
  }

  close(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#reason = reason;
    this.#closing.abort(new Error(reason));
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
