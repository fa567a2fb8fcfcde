import { Bitfield } from "../../protocol/bitfield.ts";
import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { ExtendedHandshake } from "../../protocol/extension_messages.ts";
import { clientNameOf } from "../../protocol/peer_id.ts";
import { publicUrl } from "../../protocol/secrets.ts";
import { BROADCAST, TRANSFER } from "../../settings.ts";
import type { PeerSender, PeerSource, RemotePeerSnapshot, SlotReason, SourceReason } from "../ports.ts";
import { Allowance } from "./allowance.ts";
import { RateMeter, RequestWindow } from "./rates.ts";

/** The facts about a remote peer that are known when its connection is up. */
export interface PeerFacts {
  /** Where the connection leads: for an accepted one, not where the remote listens. */
  readonly endpoint: Endpoint;
  /** Our own address on this connection. */
  readonly localAddress: string;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  readonly isIncoming: boolean;
  /** Whether the payload is encrypted. */
  readonly isEncrypted: boolean;
  readonly supportsFast: boolean;
  readonly supportsExtensions: boolean;
  /** Address of the web seed, if this is one instead of a peer; the endpoint means nothing then. */
  readonly url?: string | undefined;
}

/** The state of one connected remote peer. Other classes decide and change it. */
export class RemotePeer {
  /** Number of the connection, from 1 on; never used again within a swarm. */
  readonly number: number;
  readonly facts: PeerFacts;
  readonly sender: PeerSender;
  /** When the connection came up, in ms. */
  readonly connectedAt: number;
  /** Where we heard of it. */
  readonly source: PeerSource | "web seed";
  /** When its last message came, or the connection came up; in ms. */
  heardAt: number;

  weChoke = true;
  weWant = false;
  peerChokes = true;
  peerWants = false;

  /** Pieces it has. */
  readonly have: Bitfield;
  /** How many pieces it has that we want and lack. */
  wantedPieces = 0;
  /** Whether the picker counts its pieces. It does not count peers that had everything from the start. */
  isCounted = false;
  /** Whether it has told which pieces it has, or one of them. */
  hasToldPieces = false;

  /** Where it listens, once known: as dialled, or from the port in its extended handshake. */
  listens: Endpoint | undefined;
  /** Where we dialled it and found it. Where it only says that it listens may be another peer's endpoint. */
  readonly foundAt: Endpoint[] = [];
  /** Its extended handshake; undefined before that has come. */
  extended: ExtendedHandshake | undefined;

  readonly download = new RateMeter();
  readonly upload = new RateMeter();
  /** What it tells that it has got, from anybody. */
  readonly progress = new RateMeter();
  readonly window = new RequestWindow();

  /** Whether a router stands between us and it. */
  readonly isFar: boolean;
  /** Whether we ask it for nothing now, because near peers come first. */
  isHeldBack = false;
  /** Whether a piece is not to be asked of it, because a near peer has it; undefined for a near one. */
  withholds: ((index: number) => boolean) | undefined;

  /** Whether it is one of our download sources. */
  isSource = false;
  /** Whether we tell it that we want nothing, because there are enough sources. */
  isDeclined = false;
  /** Until when other peers become sources first, because we had nothing to ask this one; in ms. */
  spareUntil = 0;
  /** Pieces it would like us to take, oldest first. */
  readonly suggestions: number[] = [];
  /** Pieces it lets us ask for while it chokes us (BEP 6). */
  readonly allowedFast = new Set<number>();
  /**
   * Pieces we let it ask for while we choke it, with the blocks left to serve of each; undefined before it was told.
   */
  granted: Map<number, number> | undefined;
  /** The piece behind the one that a web seed began last; -1 before the first. */
  nextPiece = -1;
  /** Whether it is a web seed that sends whole files only, so that going back in a file costs much. */
  sendsWholeFiles = false;
  /** As in `Debtor`: `BlockRouting` alone changes these two. */
  outstanding = 0;
  released = 0;
  /** Blocks it sent that nobody asked for. */
  unwantedBlocks = 0;
  /** When it last sent a needed block, or was asked for one while it owed none; in ms. */
  lastBlockAt = 0;
  /** Whether our own limit holds up what it sent, and when it last did, in ms. It is neither silent nor slow then. */
  isHeldUp = false;
  heldUpAt = -Infinity;
  /** Until when it is passed over as a source because it was silent or slower than others; in ms. */
  snubbedUntil = 0;

  /** When it was unchoked last, in ms. */
  unchokedAt = 0;
  /** How long it took to ask for something once it was unchoked, lately; in ms. */
  asksAfterMs = 0;
  /** When it last had a request waiting or served, in ms. */
  lastServedAt = 0;
  /** When payload last left for it, or it began to wait for some, in ms. */
  lastSentAt = 0;
  /** Until when it is passed over for slots because it left one unused; in ms. */
  idleUntil = 0;
  /** Why it was last given or refused a slot. */
  reason: SlotReason = "";
  /** Why it last became a source or ceased to be one. */
  sourceReason: SourceReason = "";

  /** How many lists of peers it may send. */
  readonly broadcasts = new Allowance(BROADCAST.accepted);
  /** How many messages it may send that bring nothing. */
  readonly patience = new Allowance(TRANSFER.patience);

  /** `source`: where we heard of the endpoint that we dialled; `isFar`: whether it is on no network of this machine. */
  constructor(
    number: number,
    pieceCount: number,
    facts: PeerFacts,
    sender: PeerSender,
    now: number,
    source: PeerSource = "user",
    isFar = false,
  ) {
    this.isFar = isFar;
    this.number = number;
    this.facts = facts;
    this.source = facts.url !== undefined ? "web seed" : facts.isIncoming ? "incoming" : source;
    this.sender = sender;
    this.connectedAt = this.heardAt = now;
    this.have = new Bitfield(pieceCount);
    if (facts.isIncoming || facts.url !== undefined) return;
    this.listens = facts.endpoint;
    this.foundAt.push(facts.endpoint);
  }

  /** Whether it has everything. */
  get isSeed(): boolean {
    return this.have.isFull;
  }

  /** Whether it says that it wants nothing more, though it may lack something (BEP 21). */
  get isUploadOnly(): boolean {
    return this.extended?.isUploadOnly ?? false;
  }

  /** Whether it is a web server instead of a peer (BEP 19). */
  get isWebSeed(): boolean {
    return this.facts.url !== undefined;
  }

  /** Whether we may ask it for a piece now. */
  offers(index: number): boolean {
    return this.have.has(index) && (!this.peerChokes || this.allowedFast.has(index)) &&
      !this.withholds?.(index);
  }

  /** Its name for the user: the address of a web seed, else the endpoint where it listens or that it comes from. */
  get name(): string {
    const { url, endpoint } = this.facts;
    return url === undefined ? formatEndpoint(this.listens ?? endpoint) : publicUrl(url);
  }

  get client(): string {
    return this.isWebSeed ? "web seed" : this.extended?.client || clientNameOf(this.facts.peerId);
  }

  /** Whether our own limit held up what it sent at any time within the last `ms` before `now` (ms). */
  wasHeldUp(now: number, ms: number): boolean {
    return this.isHeldUp || now - this.heldUpAt < ms;
  }

  /** Everything about it at `now`, as plain data. */
  snapshot(now: number): RemotePeerSnapshot {
    const { endpoint: { address, port }, isIncoming, isEncrypted } = this.facts;
    return {
      endpoint: this.name,
      address,
      port,
      peerId: this.facts.peerId.toHex(),
      client: this.client,
      source: this.source,
      isIncoming,
      isEncrypted,
      have: this.have.count,
      downloadRate: this.download.bytesPerSecond(now),
      uploadRate: this.upload.bytesPerSecond(now),
      progressRate: this.progress.bytesPerSecond(now),
      downloaded: this.download.total,
      uploaded: this.upload.total,
      isUploadSlot: !this.weChoke,
      isDownloadSource: this.isSource,
      weChoke: this.weChoke,
      peerChokes: this.peerChokes,
      weWant: this.weWant,
      peerWants: this.peerWants,
      isSnubbed: this.sourceReason === "snubbed" && this.snubbedUntil > now,
      isSeed: this.isSeed,
      requests: this.outstanding,
      reason: this.reason,
      sourceReason: this.sourceReason,
    };
  }

  /** How many more blocks it may be asked for now. */
  get openWindow(): number {
    const theirLimit = this.extended?.maxQueuedRequests ?? TRANSFER.defaultReqq;
    return Math.min(this.window.blocks, theirLimit) - this.outstanding;
  }
}
