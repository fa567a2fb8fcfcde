/**
 * Near first, softly: what crosses a router crosses it once for all machines behind it.
 *
 * - Of a far peer nothing is asked that a near one has.
 * - The machines of a subnet share out the pieces that nobody near has: each piece is for one of them to fetch.
 * - The subnets share them out, too, as far as they lack something: of a subnet in which somebody has everything each one
 *   fetches its share, and the rest from the others. So the first copy of each piece leaves that subnet once. In a large
 *   room most machines are not connected to the machine that has everything. To them, a subnet counts as its subnet where a
 *   machine there has more pieces than they and all machines near them.
 *
 * A machine or subnet that has got its share waits while others bring theirs, and takes more once nothing comes (`Share`):
 * one that is slow holds up nobody for long. Of what near peers have and do not give, more and more may be asked of far ones
 * (`Patience`). Where all peers are near, or all are far, nothing changes.
 */
import { isOurKind } from "../../protocol/peer_id.ts";
import type { PieceLayout } from "../../protocol/piece_layout.ts";
import { NEAR } from "../../settings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { Arrivals } from "./arrivals.ts";
import { Patience } from "./patience.ts";
import { hashOf, Share } from "./share.ts";
import { subnetOf } from "./subnets.ts";

/** What `NearFirst` needs of its swarm. */
interface NearFirstContext {
  readonly layout: Pick<PieceLayout, "pieceCount" | "pieceLength">;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  /** Whether a piece is wanted and not stored. */
  lacks(index: number): boolean;
  /** How many pieces we have stored. */
  storedCount(): number;
}

/** Decides of which far peers we ask something. Times in ms. */
export class NearFirst {
  readonly #context: NearFirstContext;
  /** How many near peers have each piece, those not counted that have everything. */
  readonly #copies: Uint16Array;
  readonly #arrivals: Arrivals;
  #hasNearSeed = false;
  /** Whether there are near peers as well as far ones. */
  #isInForce = false;
  /** Undefined before the first look at near and far peers. */
  #patience: Patience | undefined;
  /** Subnets in which somebody has everything, or is ahead of everybody near. */
  #complete = new Set<string>();
  /** For each far peer, by number, a piece before which it has none that we may ask of it. */
  readonly #nexts = new Map<number, number>();
  /** What this subnet is to bring out of those; what of that is ours; and what is ours of all others. */
  readonly #subnets: Share;
  readonly #ofComplete: Share;
  readonly #ofOthers: Share;

  constructor(context: NearFirstContext) {
    const { layout: { pieceCount }, lacks } = context;
    this.#context = context;
    this.#copies = new Uint16Array(pieceCount);
    this.#arrivals = new Arrivals(pieceCount);
    const shareOf = (isOurs: (index: number) => boolean) =>
      new Share(pieceCount, (index) => this.#copies[index] === 0 && isOurs(index) && lacks(index));
    this.#subnets = shareOf((index) => this.#isOfSubnet(index));
    this.#ofComplete = shareOf((index) => this.#isOfComplete(index));
    this.#ofOthers = shareOf((index) => this.#isOfOthers(index));
  }

  /** A connection is up. */
  joined(peer: RemotePeer): void {
    if (!peer.isFar) return;
    const subnet = subnetOf(peer.facts.endpoint.address);
    peer.withholds = (index) => this.#withholds(index, subnet);
  }

  /** A far peer has a piece, and maybe some behind it. */
  farHas({ number }: RemotePeer, index: number): void {
    this.#nexts.set(number, Math.min(index, this.#nexts.get(number) ?? 0));
  }

  /** A far peer is gone. */
  farLeft({ number }: RemotePeer): void {
    this.#nexts.delete(number);
  }

  /** One more near peer has a piece, or one less (`change` is -1). */
  count(index: number, change: 1 | -1): void {
    this.#copies[index] += change;
    if (change > 0) this.#arrivals.add(index);
    else this.#beginAnew();
  }

  /** We have a piece now. */
  stored(index: number): void {
    this.#arrivals.add(index);
  }

  #beginAnew(): void {
    for (const share of [this.#subnets, this.#ofComplete, this.#ofOthers]) share.beginAnew();
    this.#nexts.clear();
  }

  /** Whether a piece is not to be asked of far peers in a subnet now. */
  #withholds(index: number, subnet: string): boolean {
    if (!this.#isInForce || this.#patience?.opens(index)) return false;
    if (this.#hasNearSeed || this.#copies[index] > 0) return true;
    return !(this.#complete.has(subnet) ? this.#isOfComplete(index) : this.#isOfOthers(index));
  }

  #isOfSubnet(index: number): boolean {
    return this.#subnets.includes(index);
  }

  #isOfComplete(index: number): boolean {
    return this.#isOfSubnet(index) && this.#ofComplete.includes(index);
  }

  #isOfOthers(index: number): boolean {
    return this.#ofOthers.includes(index);
  }

  /** Looks which peers are there; returns the far ones for which something has changed. Called every `TICK_MS`. */
  look(now: number): RemotePeer[] {
    const peers = [...this.#context.peers.values()].filter(({ isWebSeed }) => !isWebSeed);
    const far = peers.filter(({ isFar }) => isFar);
    const near = peers.filter(({ isFar }) => !isFar);
    this.#hasNearSeed = near.some(({ isSeed, isCounted }) => isSeed && !isCounted);
    this.#isInForce = far.length > 0 && near.length > 0;
    if (this.#isInForce) {
      const hasChanged = [this.#share(near, far, now), this.#bearWith(near, far, now)];
      if (hasChanged.includes(true)) this.#beginAnew();
    }
    const changed: RemotePeer[] = [];
    for (const peer of far) {
      const isHeldBack = this.#isInForce && !this.#hasForUs(peer);
      if (peer.isHeldBack !== isHeldBack) changed.push(peer);
      peer.isHeldBack = isHeldBack;
    }
    return changed;
  }

  /** Whether a far peer has a piece that we may ask of it, or may have one. */
  #hasForUs({ number, have, facts: { endpoint } }: RemotePeer): boolean {
    const { layout: { pieceCount }, lacks } = this.#context;
    const subnet = subnetOf(endpoint.address);
    let next = this.#nexts.get(number) ?? 0;
    const end = Math.min(next + NEAR.lookedAt, pieceCount);
    while (next < end && !(have.has(next) && lacks(next) && !this.#withholds(next, subnet))) next++;
    this.#nexts.set(number, next);
    return next < pieceCount;
  }

  /** Looks whether near peers deliver; returns whether other pieces may be asked of far ones than before. */
  #bearWith(near: readonly RemotePeer[], far: readonly RemotePeer[], now: number): boolean {
    const { layout, lacks } = this.#context;
    this.#patience ??= new Patience(layout, hashOf(near[0].facts.localAddress), lacks);
    const by = (peers: readonly RemotePeer[]) => peers.reduce((sum, { download }) => sum + download.total, 0);
    return this.#patience.look({ near: by(near), far: by(far) }, () => this.#hadNear(), now);
  }

  /** Bytes that near peers have and we lack, `NEAR.leastBytes` at most. */
  #hadNear(): number {
    const { layout, lacks } = this.#context;
    let bytes = 0;
    for (let index = 0; index < layout.pieceCount && bytes < NEAR.leastBytes; index++) {
      if ((this.#hasNearSeed || this.#copies[index] > 0) && lacks(index)) bytes += layout.pieceLength;
    }
    return Math.min(bytes, NEAR.leastBytes);
  }

  /**
   * Shares out the pieces among the machines near by, and among the subnets, that lack something; returns whether others
   * are ours than before.
   */
  #share(near: readonly RemotePeer[], far: readonly RemotePeer[], now: number): boolean {
    this.#arrivals.look(now);
    const own = near[0].facts.localAddress;
    const addresses = (peers: readonly RemotePeer[]) => peers.map(({ facts }) => facts.endpoint.address);
    const machines = addresses(near.filter(sharesOut));
    const most = Math.max(this.#context.storedCount(), ...near.map(({ have }) => have.count));
    const isAhead = ({ have }: RemotePeer) => have.count >= NEAR.ahead.factor * most + NEAR.ahead.pieces;
    this.#complete = new Set(addresses(far.filter((peer) => peer.isSeed || isAhead(peer))).map(subnetOf));
    const others = addresses(far.filter(sharesOut)).map(subnetOf).filter((each) => !this.#complete.has(each));
    return [
      // A network may be larger than what counts as a subnet from afar.
      this.#subnets.among([own, ...addresses(near)].map(subnetOf), others),
      this.#ofComplete.among([own], machines),
      this.#ofOthers.among([own], machines),
      this.#subnets.look(now, this.#arrivals),
      this.#ofComplete.look(now, this.#arrivals),
      this.#ofOthers.look(now, this.#arrivals),
    ].includes(true);
  }
}

/** Whether a peer takes part when pieces are shared out. */
function sharesOut({ facts: { peerId }, isSeed, isUploadOnly }: RemotePeer): boolean {
  return isOurKind(peerId) && !isSeed && !isUploadOnly;
}
