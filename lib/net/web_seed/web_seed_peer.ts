/**
 * A web seed (BEP 17 and 19) in the role of a remote peer: it has everything, never chokes and wants nothing.
 *
 *   swarm → requests → runs of blocks, read from replies that go on over many pieces → piece messages → swarm
 *
 * So the swarm treats web seeds as it treats peers: with windows, with lost blocks, and with a ban for wrong data.
 */
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { sha1 } from "../../protocol/info_hash.ts";
import {
  encodeBitfield,
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
import type { PartServer, WebSeedFailure } from "./part_server.ts";
import { Places } from "./places.ts";

interface Block {
  readonly index: number;
  readonly begin: number;
  readonly length: number;
}

/**
 * Uses a web seed until the swarm is finished, the server fails for good or sends wrong data, or `signal` aborts. A
 * server that may recover is left alone for a while. The server needs one of `places`, and frees it while it is left
 * alone. `now` is a monotonic clock in ms. `warn` gets texts for people about defects of the server. Never rejects.
 */
export async function runWebSeed(
  url: string,
  seed: PartServer,
  swarm: Swarm,
  now: () => number,
  signal: AbortSignal,
  warn: (message: string) => void = () => {},
  places: Places = new Places(1),
): Promise<void> {
  const defects = new Defects(seed, warn);
  while (!signal.aborted && !swarm.isFinished) {
    const failure = await places.within(async () => {
      // The swarm may have finished before the place became free.
      if (signal.aborted || swarm.isFinished) return undefined;
      const failure = await new WebSeedPeer(url, seed, swarm, now, defects).run();
      seed.close();
      return failure;
    });
    if (failure === undefined) return;
    if (failure.retryInMs === undefined) return warn(`it is given up: ${failure.reason}`);
    await delay(failure.retryInMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

/** Reports each defect of a server once. */
class Defects {
  readonly #seed: PartServer;
  readonly #warn: (message: string) => void;
  readonly #told = new Set<string>();
  #lackedParts = 0;

  constructor(seed: PartServer, warn: (message: string) => void) {
    this.#seed = seed;
    this.#warn = warn;
  }

  /** Reports defects that the last reply has shown. */
  look(): void {
    if (this.#seed.sendsWholeFiles) {
      this.#tell("it sends whole files only, so each is read from its beginning");
    }
    if (this.#seed.sendsLess) {
      this.#tell("its answers are shorter than what they answer, so it is asked again");
    }
  }

  /** Reports a file or piece, called `name`, that the server lacks. */
  lacks(parts: "files" | "pieces", name: string, reason: string): void {
    if (++this.#lackedParts <= WEB_SEED.maxToldParts) {
      this.#tell(`it cannot give ${name}, and is used for other ${parts}: ${reason}`);
    } else this.#tell(`it cannot give more ${parts}`);
  }

  #tell(message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#warn(message);
  }
}

function keyOf(index: number, begin: number): string {
  return `${index} ${begin}`;
}

/** A web seed as one connection for the swarm; over HTTP it makes any number of requests. */
class WebSeedPeer implements PeerSender {
  readonly #url: string;
  readonly #seed: PartServer;
  readonly #swarm: Swarm;
  /** Monotonic clock in ms. */
  readonly #now: () => number;
  readonly #defects: Defects;
  /** Requested blocks that have not arrived, by piece and begin. */
  readonly #requests = new Map<string, Block>();
  /** Offset in the torrent at which the last read ended, in bytes. */
  #position = 0;
  readonly #toUs = new MessageReader(TRANSFER.maxMessageBytes);
  readonly #toServer = new MessageReader(TRANSFER.maxMessageBytes);
  readonly #closing = new AbortController();
  #reason = "";
  /** Wakes the loop when it waits for requests. */
  #wake: (() => void) | undefined;

  constructor(url: string, seed: PartServer, swarm: Swarm, now: () => number, defects: Defects) {
    this.#url = url;
    this.#seed = seed;
    this.#swarm = swarm;
    this.#now = now;
    this.#defects = defects;
  }

  /** Runs until the connection is closed; returns the server's failure if that was the reason. Never rejects. */
  async run(): Promise<WebSeedFailure | undefined> {
    const facts = {
      endpoint: { address: "0.0.0.0", port: 0 },
      localAddress: "0.0.0.0",
      peerId: sha1(toUtf8(this.#url)),
      isIncoming: true,
      isEncrypted: false,
      supportsFast: true,
      supportsExtensions: false,
      url: this.#url,
    };
    if (this.#swarm.refusal(facts) !== undefined) return undefined;
    const peer = this.#swarm.peerConnected(facts, this, this.#now());
    let failure: WebSeedFailure | undefined;
    try {
      const { offered } = this.#seed;
      this.#hand(peer, offered.isFull ? encodePlain(MessageId.haveAll) : encodeBitfield(offered.toBytes()));
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
    const { storage } = this.#swarm;
    const came = async (skipped: number) => {
      // A server that sends what lies before the wanted bytes of a file is not silent.
      peer.lastBlockAt = this.#now();
      if (skipped > 0) await this.#spend(peer, skipped);
    };
    while (!signal.aborted) {
      if (!storage.hasRoom()) await storage.whenRoom();
      const run = this.#nextRun();
      if (run.length === 0) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const bytes = new Uint8Array(run.reduce((sum, { length }) => sum + length, 0));
      const [{ index, begin }] = run;
      const options = { runLength: this.#runLength(peer, run), came };
      const failure = await this.#seed.fetchRange(index, begin, bytes, signal, options);
      peer.sendsWholeFiles = this.#seed.sendsWholeFiles;
      this.#defects.look();
      if (failure === undefined) {
        this.#deliver(peer, run, bytes);
        await this.#spend(peer, bytes.length);
      } else if (failure.file === undefined && failure.piece === undefined) return failure;
      else this.#forget(peer, failure);
    }
  }

  /** Waits until our rate limit allows for bytes that have arrived. */
  async #spend(peer: RemotePeer, bytes: number): Promise<void> {
    const { download: limit } = this.#swarm.limits;
    if (limit.portion === Infinity) return;
    peer.isHeldUp = true;
    await limit.spend(bytes, this.#closing.signal);
    peer.isHeldUp = false;
    peer.heldUpAt = this.#now();
  }

  /** Forgets a file or piece that the server lacks: no piece with any of its bytes is asked of the server. */
  #forget(peer: RemotePeer, { file, piece, reason }: WebSeedFailure): void {
    if (file === undefined) this.#defects.lacks("pieces", `piece ${piece}`, reason);
    else this.#defects.lacks("files", this.#swarm.metainfo.files[file].path.join("/"), reason);
    for (const [key, { index }] of this.#requests) {
      if (!this.#seed.offered.has(index)) this.#requests.delete(key);
    }
    for (const index of [...peer.have]) {
      if (!this.#seed.offered.has(index)) this.#swarm.pieceLost(peer, index);
    }
    this.#swarm.batchReceived(peer, this.#now());
  }

  /**
   * Some requested blocks that follow one another in the torrent without a gap, from the end of the last read on, or
   * else from the first block on. Blocks that came from other sources meanwhile are forgotten.
   */
  #nextRun(): Block[] {
    for (const [key, { index, begin }] of this.#requests) {
      if (!this.#swarm.download.isNeeded(index, begin)) this.#requests.delete(key);
    }
    const waiting = [...this.#requests.values()].sort((a, b) => this.#offsetOf(a) - this.#offsetOf(b));
    const ahead = waiting.findIndex((block) => this.#offsetOf(block) >= this.#position);
    const run: Block[] = [];
    let end = 0, bytes = 0;
    for (const block of waiting.slice(Math.max(ahead, 0))) {
      const offset = this.#offsetOf(block);
      if (run.length > 0 && (offset !== end || bytes + block.length > WEB_SEED.readBytes)) break;
      run.push(block);
      bytes += block.length;
      end = offset + block.length;
    }
    this.#position = end;
    return run;
  }

  /** Bytes from the start of a run to the end of the pieces behind it that the swarm is going to ask for. */
  #runLength(peer: RemotePeer, run: readonly Block[]): number {
    const { layout } = this.#swarm.metainfo;
    const [first, last] = [run[0], run[run.length - 1]];
    const start = this.#offsetOf(first);
    const maxPieces = Math.ceil(WEB_SEED.maxRangeBytes / layout.pieceLength);
    const asked = this.#offsetOf(last) + last.length;
    const endPiece = this.#swarm.download.endOfRun(peer, last.index, maxPieces);
    const end = Math.min(endPiece * layout.pieceLength, layout.totalLength);
    return Math.min(Math.max(end, asked) - start, WEB_SEED.maxRangeBytes);
  }

  #offsetOf({ index, begin }: Block): number {
    return this.#swarm.metainfo.layout.offsetOf(index) + begin;
  }

  #deliver(peer: RemotePeer, run: readonly Block[], bytes: Uint8Array): void {
    const start = this.#offsetOf(run[0]);
    for (const block of run) {
      if (this.#closing.signal.aborted) return;
      const { index, begin, length } = block;
      const offset = this.#offsetOf(block) - start;
      this.#requests.delete(keyOf(index, begin));
      const message = new Uint8Array(PIECE_HEADER_LENGTH + length);
      writePieceHeader(message, 0, index, begin, length);
      message.set(bytes.subarray(offset, offset + length), PIECE_HEADER_LENGTH);
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

  /** Takes requests and cancels; all other messages mean nothing to a web server. */
  send(message: Uint8Array): void {
    const reader = this.#toServer;
    reader.begins(message, message.length);
    while (reader.next()) {
      const { id, index, begin, length } = reader;
      if (id === MessageId.request) this.#requests.set(keyOf(index, begin), { index, begin, length });
      if (id === MessageId.cancel) this.#requests.delete(keyOf(index, begin));
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
