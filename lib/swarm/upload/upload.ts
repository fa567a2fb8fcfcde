/** The giving half of a swarm: upload slots, and the requests of the peers that hold them. */
import { ProtocolError } from "../../errors.ts";
import { joinBytes } from "../../protocol/bytes.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { encodeAboutBlock, encodeAboutPiece, encodePlain, MessageId } from "../../protocol/peer_messages.ts";
import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";
import { CHOKING, TRANSFER } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import { choose, type Decision, fillBehind } from "../peers/choker.ts";
import { Appetite } from "./appetite.ts";
import { FastGrants } from "./fast_grants.ts";
import { losePatience } from "../peers/manners.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import type { Choices } from "../policy.ts";
import type { SlotReason } from "../ports.ts";
import { SlotShares } from "./slot_shares.ts";
import { Spreading } from "./spreading.ts";
import { SuperSeeding } from "./super_seeding.ts";

/** What `Upload` needs of its swarm. */
interface UploadContext {
  readonly infoHash: InfoHash;
  readonly layout: PieceLayout;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  readonly policy: Pick<Choices, "uploadSlots" | "superSeeds">;
  readonly surroundings: Pick<Surroundings, "random">;
  /** Whether we have everything. */
  isSeed(): boolean;
  /** Whether we want nothing more. Then we prefer the peers that take fastest. */
  isComplete(): boolean;
  hasPiece(index: number): boolean;
  /** How many remote peers have a piece. */
  availabilityOf(index: number): number;
}

/** Decides which peers may request from us, and serves their requests. */
export class Upload {
  readonly #context: UploadContext;
  #madeSpreading: Spreading | undefined;
  readonly #grants: FastGrants;
  #superSeeding: SuperSeeding | undefined;
  /** The appetites of all peers that have asked for something. */
  readonly #appetites = new Map<RemotePeer, Appetite>();

  constructor(context: UploadContext) {
    this.#context = context;
    this.#grants = new FastGrants(context);
    this.#superSeed();
  }

  /** Made for the first peer: two million pieces take a while. */
  get #spreading(): Spreading {
    return this.#madeSpreading ??= new Spreading(this.#context.layout.pieceCount);
  }

  /**
   * Begins or ends super-seeding as the policy says. It begins only with all data, not after a download in this run.
   */
  #superSeed(): void {
    const { policy, peers, isSeed } = this.#context;
    if (!policy.superSeeds && this.#superSeeding !== undefined) this.#superSeeding.hasEnded = true;
    const isUnderWay = this.#superSeeding?.hasEnded === false;
    if (policy.superSeeds && isSeed() && !isUnderWay) {
      this.#superSeeding = new SuperSeeding(this.#context, peers.values());
    }
  }

  /** The policy has changed: takes back slots above the new number at once, or gives more. */
  policyChanged(now: number): void {
    this.#superSeed();
    if (this.slotCount > this.#context.policy.uploadSlots) this.chooseSlots(now);
    this.fillSlots(now);
  }

  get slotCount(): number {
    let count = 0;
    for (const peer of this.#context.peers.values()) if (!peer.weChoke) count++;
    return count;
  }

  /** Whether a new peer is told that we have nothing. */
  hidesFrom(peer: RemotePeer): boolean {
    return this.#superSeeding?.hidesFrom(peer) ?? false;
  }

  /**
   * Gives free slots at once to peers that want something. Where greedy peers or a crowd from one address hold too many
   * slots, they lose some to the others.
   */
  fillSlots(now: number): void {
    const waiting = this.#interested().filter((peer) => peer.weChoke);
    if (waiting.length === 0) return;
    const holders = this.#holders();
    if (holders.length >= this.#context.policy.uploadSlots && !this.#mayLose(holders, waiting, now)) return;
    const { policy: { uploadSlots: slots }, surroundings, peers } = this.#context;
    const active = waiting.filter((peer) => peer.idleUntil <= now);
    for (const peer of this.#shares(now).surplus(active, slots - this.slotCount)) {
      this.choke(peer, "others wait");
    }
    const modest = active.filter((peer) => !this.#isGreedy(peer, now));
    for (const peer of this.#outOfPlace(modest)) this.choke(peer, "others wait");
    const free = slots - this.slotCount;
    if (free <= 0) return;
    const behind = (group: readonly RemotePeer[]) => {
      const candidates = group.map(({ number, have }) => ({ number, have: have.count }));
      return fillBehind(candidates, group.length, () => surroundings.random()).map(({ number }) =>
        peers.get(number)!
      );
    };
    // Peers that left a slot unused come last.
    const queue = [...behind(active), ...behind(waiting.filter((peer) => peer.idleUntil > now))];
    const given = this.#shares(now).give(this.#mixed(queue), free);
    this.#unchokeAll(given.map(({ number }) => ({ number, reason: "free place" })), now);
  }

  /** Whether holders of all slots may have to give some up to those that wait, as it has to be looked at closely then. */
  #mayLose(holders: readonly RemotePeer[], waiting: readonly RemotePeer[], now: number): boolean {
    const addresses = new Set(holders.map(({ facts }) => facts.endpoint.address));
    const isFar = holders[0]?.isFar;
    return addresses.size < holders.length || holders.some((peer) => peer.isFar !== isFar) ||
      waiting.some((peer) => peer.isFar !== isFar) || holders.some((peer) => this.#isGreedy(peer, now));
  }

  /** Gives all slots anew, as every `CHOKING.rechokeMs`. */
  chooseSlots(now: number): void {
    const { policy: { uploadSlots: slots }, surroundings } = this.#context;
    const random = () => surroundings.random();
    const pickAny = (peers: readonly RemotePeer[], places: number) =>
      choose(peers.map((peer) => this.#candidate(peer, now)), places, random);
    // Near and far peers have slots of their own.
    const pick = (peers: readonly RemotePeer[], places: number) => {
      const [near, far] = [peers.filter(({ isFar }) => !isFar), peers.filter(({ isFar }) => isFar)];
      const forFar = Math.min(far.length, Math.max(places - near.length, this.#farSlots));
      return [...pickAny(far, forFar), ...pickAny(near, places - forFar)];
    };
    const shares = this.#shares(now);
    const candidates = shares.fair(this.#interested(), (crowd, places) => {
      const picked = new Set(pick(crowd, places).map(({ number }) => number));
      return crowd.filter(({ number }) => picked.has(number));
    });
    const decisions = pick(candidates, slots);
    const chosen = new Set(decisions.map(({ number }) => number));
    const others = this.#holders().filter(({ number }) => !chosen.has(number));
    // A peer that would get its slot back at once keeps it.
    for (const peer of others.slice(slots - decisions.length)) this.choke(peer, "others are faster");
    this.#unchokeAll(decisions, now);
  }

  /** Called once per tick: a holder that asks for nothing, or takes nothing, loses its slot to a peer that waits. */
  tick(now: number): void {
    const { uploadSlots } = this.#context.policy;
    const waiting = this.#interested().filter((peer) => peer.weChoke && peer.idleUntil <= now).length;
    let needed = waiting - (uploadSlots - this.slotCount);
    for (const peer of this.#context.peers.values()) {
      if (needed <= 0) break;
      if (peer.weChoke) continue;
      const waits = peer.sender.queuedBlocks > 0;
      const isStalled = waits && now - Math.max(peer.lastSentAt, peer.unchokedAt) >= CHOKING.stalledSlotMs;
      if (waits && !isStalled) peer.lastServedAt = now;
      const isUnused = peer.lastServedAt <= peer.unchokedAt;
      const isIdle = isUnused
        ? now - peer.unchokedAt >= patienceWith(peer)
        : now - peer.lastServedAt >= CHOKING.idleSlotMs;
      if (!isIdle && !isStalled) continue;
      peer.idleUntil = now + (isStalled ? CHOKING.rechokeMs : CHOKING.idlePauseMs);
      this.choke(peer, isStalled ? "takes nothing" : "asks for nothing");
      needed--;
    }
    if (this.#holders().some((peer) => this.#isGreedy(peer, now))) {
      for (const peer of this.#shares(now).excess()) this.choke(peer, "others want our data");
    }
    this.fillSlots(now);
    for (const peer of this.#context.peers.values()) this.#show(peer, now);
  }

  /** Shows a peer the pieces that it may ask for now (BEP 16). */
  #show(peer: RemotePeer, now: number): void {
    if (this.#superSeeding === undefined) return;
    const indices = this.#superSeeding.show(peer, now);
    if (indices.length === 0) return;
    peer.sender.send(joinBytes(indices.map((index) => encodeAboutPiece(MessageId.have, index))));
  }

  /** The peer wants something: it gets a free slot; or at least a few pieces, once nothing is scarce any more. */
  gainedInterest(peer: RemotePeer, now: number): void {
    this.fillSlots(now);
    if (this.#superSeeding !== undefined) return;
    if (peer.weChoke && this.#context.isSeed() && this.#spreading.isSpread) this.#grants.offer(peer);
  }

  /** The peer is no longer interested: its slot is free. */
  lostInterest(peer: RemotePeer, now: number): void {
    if (!peer.weChoke) this.choke(peer, "wants nothing");
    this.fillSlots(now);
  }

  /**
   * Takes the slot away and tells the peer. Its waiting requests are refused (BEP 6: with a reject each), except for
   * pieces that it may have while choked.
   */
  choke(peer: RemotePeer, reason: SlotReason): void {
    peer.weChoke = true;
    peer.reason = reason;
    peer.sender.send(encodePlain(MessageId.choke));
    this.#spreading.choked(peer.number);
    peer.sender.dropBlocks((index, begin, length) => {
      if (this.#grants.covers(peer, index)) return peer.sender.queueBlock(index, begin, length);
      this.#appetites.get(peer)?.takenBack(index, begin, length);
      this.#reject(peer, index, begin, length);
    });
  }

  /**
   * A request arrived (BEP 3). Units: bytes.
   *
   * Errors: `ProtocolError` for a block that does not exist, and for all data more often than anybody needs it.
   */
  requestReceived(peer: RemotePeer, index: number, begin: number, length: number, now: number): void {
    if (!this.#context.layout.contains(index, begin, length) || length > TRANSFER.maxRequestBytes) {
      throw new ProtocolError(
        `requested a block that does not exist: piece ${index}, ${length} bytes at ${begin}`,
      );
    }
    if (peer.upload.total >= TRANSFER.maxCopies * this.#context.layout.totalLength) {
      throw new ProtocolError(`requested everything ${TRANSFER.maxCopies} times over`);
    }
    noteFirstRequest(peer, now);
    const isServed = this.#context.hasPiece(index) && (this.#superSeeding?.isShown(peer, index) ?? true) &&
      peer.sender.queuedBlocks < TRANSFER.maxQueuedRequests &&
      (!peer.weChoke || this.#grants.take(peer, index));
    if (!isServed) {
      losePatience(peer, now);
      return this.#reject(peer, index, begin, length);
    }
    peer.lastServedAt = now;
    if (peer.sender.queuedBlocks === 0) peer.lastSentAt = now;
    peer.sender.queueBlock(index, begin, length);
    this.#appetiteOf(peer).requested(index, begin, length, peer.have.has(index));
    this.#spreading.requested(peer.number, index);
    this.#superSeeding?.requested(peer, index, now);
    if (begin > 0) return;
    this.#show(peer, now);
    this.#suggest(peer);
  }

  /**
   * Tells a peer which pieces we would like it to take, while some have not left us yet (BEP 6 "suggest piece"). It is
   * always told a few more than it has begun, so that it never has to choose by itself.
   */
  #suggest(peer: RemotePeer): void {
    if (!peer.facts.supportsFast || !this.#context.isSeed() || this.#superSeeding?.isOver === false) return;
    for (let ahead = this.#spreading.suggestedTo(peer.number); ahead < this.#suggestionsAhead; ahead++) {
      const index = this.#spreading.suggestFor(peer.number, this.#context.surroundings.random());
      if (index < 0) return;
      peer.sender.send(encodeAboutPiece(MessageId.suggest, index));
    }
  }

  /** A remote peer has more pieces. The picker has counted them already. */
  peerHas(peer: RemotePeer, indices: Iterable<number>, now: number): void {
    const spreading = this.#spreading;
    const appetite = this.#appetites.get(peer);
    for (const index of indices) {
      spreading.peerHas(index);
      appetite?.digested();
      this.#superSeeding?.peerHas(peer, index);
    }
    this.#show(peer, now);
  }

  /** The connection is gone. */
  peerLeft(peer: RemotePeer, now: number): void {
    this.#appetites.delete(peer);
    this.#spreading.peerLeft(peer.number);
    this.#superSeeding?.peerLeft(peer);
    this.#grants.peerLeft(peer);
    this.fillSlots(now);
  }

  /** A request is withdrawn (BEP 3 "cancel"; BEP 6: answered by a reject unless the block is on its way). */
  cancelReceived(peer: RemotePeer, index: number, begin: number, length: number): void {
    if (!peer.sender.dropBlock(index, begin, length)) return;
    this.#appetites.get(peer)?.takenBack(index, begin, length);
    this.#reject(peer, index, begin, length);
  }

  /** Payload left for the peer. */
  blockSent(peer: RemotePeer, bytes: number, now: number): void {
    peer.upload.add(bytes, now);
    this.#appetiteOf(peer).sent(bytes, now);
    peer.lastServedAt = peer.lastSentAt = now;
  }

  #reject(peer: RemotePeer, index: number, begin: number, length: number): void {
    if (peer.facts.supportsFast) {
      peer.sender.send(encodeAboutBlock(MessageId.reject, index, begin, length));
    }
  }

  #unchokeAll(decisions: readonly Decision[], now: number): void {
    for (const { number, reason } of decisions) {
      const peer = this.#context.peers.get(number)!;
      peer.reason = reason;
      if (!peer.weChoke) continue;
      peer.weChoke = false;
      peer.unchokedAt = now;
      peer.asksAfterMs *= CHOKING.forgottenDelay;
      // Suggestions come before the unchoke, because the peer asks at once after that.
      this.#suggest(peer);
      peer.sender.send(encodePlain(MessageId.unchoke));
      this.#show(peer, now);
    }
  }

  /** How many pieces are suggested ahead of requests: those of a first window, and one more. */
  get #suggestionsAhead(): number {
    const { layout } = this.#context;
    return Math.ceil(TRANSFER.firstWindow * BLOCK_LENGTH / layout.pieceLength) + 1;
  }

  #appetiteOf(peer: RemotePeer): Appetite {
    let appetite = this.#appetites.get(peer);
    if (appetite === undefined) this.#appetites.set(peer, appetite = new Appetite(this.#context.layout));
    return appetite;
  }

  #shares(now: number): SlotShares {
    const active = this.#interested().filter((peer) => peer.idleUntil <= now);
    const isGreedy = (peer: RemotePeer) => this.#isGreedy(peer, now);
    return new SlotShares(this.#context.policy.uploadSlots, this.#holders(), active, isGreedy);
  }

  #isGreedy(peer: RemotePeer, now: number): boolean {
    return this.#appetites.get(peer)?.isGreedy(now) ?? false;
  }

  /** Slots for peers behind a router, while near ones want our data, too. */
  get #farSlots(): number {
    return Math.floor(this.#context.policy.uploadSlots / 2);
  }

  /** Holders that lose their slots to peers of `waiting`: far ones to near ones, or the other way round, above their share. */
  #outOfPlace(waiting: readonly RemotePeer[]): RemotePeer[] {
    const { policy: { uploadSlots: slots } } = this.#context;
    const holders = this.#holders();
    const free = slots - holders.length;
    const surplus = (isFar: boolean, share: number) => {
      const its = holders.filter((peer) => peer.isFar === isFar);
      const others = waiting.filter((peer) => peer.isFar !== isFar).length;
      return its.slice(0, Math.max(0, Math.min(its.length - share, others - free)));
    };
    return [...surplus(true, this.#farSlots), ...surplus(false, slots - this.#farSlots)];
  }

  /** Peers that wait, in their order, but those first whose kind has less than its share: near ones, or far ones. */
  #mixed(queue: readonly RemotePeer[]): RemotePeer[] {
    const { policy: { uploadSlots: slots } } = this.#context;
    const far = this.#holders().filter(({ isFar }) => isFar).length;
    const left = { far: this.#farSlots - far, near: slots - this.#farSlots - (this.slotCount - far) };
    const isFirst = ({ isFar }: RemotePeer) => (isFar ? left.far-- : left.near--) > 0;
    const { first = [], rest = [] } = Object.groupBy(queue, (peer) => isFirst(peer) ? "first" : "rest");
    return [...first, ...rest];
  }

  #holders(): RemotePeer[] {
    return [...this.#context.peers.values()].filter((peer) => !peer.weChoke);
  }

  #interested(): RemotePeer[] {
    return [...this.#context.peers.values()].filter((peer) => peer.peerWants && !peer.isUploadOnly);
  }

  #candidate(peer: RemotePeer, now: number) {
    const meter = this.#context.isComplete() ? peer.upload : peer.download;
    return {
      number: peer.number,
      rate: meter.bytesPerSecond(now),
      isNewcomer: now - peer.connectedAt < CHOKING.newcomerMs,
    };
  }
}

/** Learns how soon a peer asks once it has a slot, also when it asks too late and the slot is gone again. */
function noteFirstRequest(peer: RemotePeer, now: number): void {
  const took = now - peer.unchokedAt;
  if (peer.lastServedAt > peer.unchokedAt || took > CHOKING.idleSlotMs) return;
  peer.asksAfterMs = Math.max(peer.asksAfterMs, took);
  peer.idleUntil = 0;
}

/** How long a peer that has not asked for anything yet keeps its slot, in ms. */
function patienceWith({ asksAfterMs }: RemotePeer): number {
  return Math.min(Math.max(2 * asksAfterMs, CHOKING.unusedSlotMs), CHOKING.idleSlotMs);
}
