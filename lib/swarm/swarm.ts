/**
 * The owner of one torrent: everything that changes about the torrent changes here, in synchronous methods.
 *
 * Connections report what arrived (`messageReceived`, `batchReceived`, `peerClosed`), the disk reports how its jobs
 * ended (`pieceStored`, `pieceCorrupt`, `storageFailed`, `dataFinished`), and `tick` says that time has passed. The
 * swarm answers through the ports of `ports.ts`. `Download` and `Upload` are its two halves.
 */
import { DataChangedError, type StorageError } from "../errors.ts";
import { Bitfield } from "../protocol/bitfield.ts";
import type { HostReport } from "../protocol/host_report.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { encodeAboutPiece, MessageId, type MessageReader } from "../protocol/peer_messages.ts";
import type { Steps } from "../protocol/steps.ts";
import { bottleneckOf } from "./bottleneck.ts";
import type { ConnectionOwner } from "./connection_owner.ts";
import type { FileSelection } from "./download/file_selection.ts";
import { DontHaveExtension } from "./extensions/dont_have_extension.ts";
import { Download } from "./download/download.ts";
import { NearFirst } from "./download/near_first.ts";
import type { Extensions } from "./extensions/extensions.ts";
import { exchangesData } from "./peers/admission.ts";
import { Interest } from "./peers/interest.ts";
import type { DialTarget, HeardEndpoint, HeardPeer } from "./peers/known_peers.ts";
import { admitBitfield, admitMessage, losePatience } from "./peers/manners.ts";
import { MetadataGiving } from "./extensions/metadata_extension.ts";
import { PeerPieces } from "./download/peer_pieces.ts";
import type {
  PeerSender,
  PeerSource,
  PieceStorage,
  PieceStorageListener,
  RateLimits,
  Role,
  SwarmSnapshot,
  TorrentState,
} from "./ports.ts";
import type { PeerFacts, RemotePeer } from "./peers/remote_peer.ts";
import type { Roster } from "./peers/roster.ts";
import { roundNews } from "./round.ts";
import { PAUSED, Standing } from "./standing.ts";
import { Statistics } from "./statistics.ts";
import type { SwarmOptions } from "./swarm_options.ts";
import { SwarmPeers } from "./swarm_peers.ts";
import { Successors } from "./tracker/successors.ts";
import { snapshotOf } from "./swarm_snapshot.ts";
import { type FileView, type PiecesView, sendersOf, viewFiles, viewPieces } from "./swarm_views.ts";
import { Upload } from "./upload/upload.ts";

/** Everything about one info-hash in this process. */
export class Swarm implements ConnectionOwner, PieceStorageListener {
  readonly metainfo: Metainfo;
  readonly storage: PieceStorage;
  readonly limits: RateLimits;
  readonly download: Download;
  readonly upload: Upload;
  readonly #options: SwarmOptions;
  readonly #swarmPeers: SwarmPeers;
  readonly #roster: Roster;
  /** Connected remote peers by number. */
  readonly #peers: ReadonlyMap<number, RemotePeer>;
  readonly #pieces: PeerPieces;
  readonly #near: NearFirst;
  readonly #interest: Interest;
  readonly #dontHave = new DontHaveExtension((peer, index) => this.pieceLost(peer, index));
  readonly #statistics: Statistics;
  /** The last one that was taken. */
  #snapshot: SwarmSnapshot | undefined;
  /** When slots and sources were given anew, in ms. */
  #lastRoundAt: number;
  #isAnnouncer: boolean;
  readonly #standing: Standing;
  #selection: FileSelection;

  constructor(options: SwarmOptions) {
    this.#options = options;
    this.metainfo = options.metainfo;
    this.storage = options.storage;
    this.#isAnnouncer = options.isAnnouncer;
    this.#selection = options.selection;
    this.#standing = new Standing(options.selection, options.isFinished);
    this.#lastRoundAt = options.startedAt;
    this.limits = options.limits;
    const { metainfo: { infoHash, isPrivate, rawInfo, layout }, policy, surroundings, startedAt } = options;
    this.#swarmPeers = new SwarmPeers({
      infoHash,
      pieceCount: layout.pieceCount,
      policy,
      surroundings,
      startedAt,
      // A super-seeder pretends to have next to nothing.
      isUploadOnly: () => this.isFinished && !policy.superSeeds,
      report: (event) => options.report(event),
    }, {
      peerExchange: !isPrivate,
      successors: isPrivate ? undefined : new Successors(infoHash),
      metadata: isPrivate ? undefined : new MetadataGiving(rawInfo),
      dontHave: this.#dontHave,
    });
    this.#roster = this.#swarmPeers.roster;
    this.#peers = this.#roster.connected;
    this.#near = new NearFirst({
      layout,
      peers: this.#peers,
      lacks: (index) => this.#selection.pieces.has(index) && !this.download.stored.has(index),
      storedCount: () => this.download.stored.count,
    });
    this.download = new Download(options.stored, {
      near: this.#near,
      layout,
      peers: this.#peers,
      policy,
      surroundings,
      selection: options.selection,
      storage: options.storage,
      declines: (peer) => this.#interest.update(peer),
    });
    this.#pieces = new PeerPieces(
      options.stored,
      options.selection.pieces,
      this.download.picker,
      this.#near,
    );
    this.#statistics = new Statistics(options.totals);
    this.upload = new Upload({
      infoHash,
      layout,
      peers: this.#peers,
      policy,
      surroundings,
      isSeed: () => this.download.stored.isFull,
      isComplete: () => this.download.isComplete,
      hasPiece: (index) => this.download.stored.has(index),
      availabilityOf: (index) => this.download.picker.availabilityOf(index),
    });
    this.#interest = new Interest({
      standing: this.#standing,
      isListener: (peer) => this.extensions.isListener(peer),
    });
  }

  get extensions(): Extensions {
    return this.#swarmPeers.extensions;
  }

  /** Where the trackers of peers of our kind listen: of connected ones, and where there are none, of the last ones. */
  get trackersOfPeers(): Endpoint[] {
    const { trackers, pastTrackers } = this.#roster;
    return trackers.length > 0 ? trackers : pastTrackers;
  }

  /** The trackers that stand in for the torrent's own; undefined where none may (BEP 27). */
  get standIns() {
    return this.extensions.standIns;
  }

  /** A peer no longer has a piece. Errors: `ProtocolError`. */
  pieceLost(peer: RemotePeer, index: number): void {
    this.#pieces.lossReceived(peer, index);
    this.download.pieceLost(peer, index);
    this.#interest.update(peer);
  }

  /** Endpoints worth trying at the next start, as `host:port`. */
  get reachablePeers(): string[] {
    return this.#roster.known.reachable;
  }

  get infoHash() {
    return this.metainfo.infoHash;
  }

  get role(): Role {
    return this.#isAnnouncer ? "announcer" : this.seeding ? "seeder" : "peer";
  }

  /** Whether all data, wanted or not, is in its final place and can be read. */
  get seeding(): boolean {
    return this.isFinished && this.download.stored.isFull && this.failure === undefined;
  }

  /** Whether all wanted data is in its final place. */
  get isFinished(): boolean {
    return this.#standing.isFinished;
  }

  /** Why it stands still; undefined while it does not. */
  get failure(): string | undefined {
    return this.#standing.failure;
  }

  get state(): TorrentState {
    return this.#standing.state;
  }

  get connectionCount(): number {
    return this.#peers.size;
  }

  /** Bytes uploaded and downloaded in this run, and bytes left, for trackers. */
  get totals(): { uploaded: number; downloaded: number; left: number } {
    return this.#statistics.totals(this.download.bytesLeft);
  }

  /** Whether an announce address means this process's own tracker: addresses of a machine come and go. */
  set isAnnouncer(isAnnouncer: boolean) {
    if (this.#isAnnouncer === isAnnouncer) return;
    this.#isAnnouncer = isAnnouncer;
    this.#swarmPeers.report({ event: "status", role: this.role, seeding: this.seeding });
  }

  // Beginning and end

  /** No new requests, connections or dials from now on. */
  stop(): void {
    this.#standing.isStopping = true;
    this.#roster.closeAll("we are stopping");
  }

  /** The user pauses the torrent: closes all connections, and neither dials nor accepts any until `resume`. */
  pause(): void {
    this.#standing.isPaused = true;
    this.#roster.closeAll(PAUSED);
  }

  /** The user resumes the torrent: all known peers may be dialled at once. */
  resume(): void {
    this.#standing.isPaused = false;
    this.#roster.known.retryAll();
  }

  /** Whether it is fetched from the beginning to the end. */
  get isSequential(): boolean {
    return this.#selection.isSequential;
  }

  /**
   * Wants other files from now on, or in another order. Pieces that are under way and no longer wanted are given up,
   * and newly wanted ones are asked for at once.
   */
  select(selection: FileSelection, now: number): void {
    this.#now = now;
    const wasSeeding = this.seeding;
    this.#selection = selection;
    this.#standing.select(selection);
    this.storage.select(selection);
    this.download.select(selection);
    this.#pieces.select(selection.pieces, this.#peers.values());
    if (this.seeding !== wasSeeding) {
      this.#swarmPeers.report({ event: "status", role: this.role, seeding: this.seeding });
    }
    this.extensions.introduceAgain();
    for (const peer of [...this.#peers.values()]) {
      this.#interest.update(peer);
      this.#interest.closeIfUseless(peer);
    }
    this.#roster.known.retryAll();
    this.download.fillSources(now);
    this.download.refillAll(now);
    this.#finishIfComplete();
  }

  /** The policy has changed: slots and sources follow at once, and peers hear what concerns them. */
  policyChanged(now: number): void {
    this.#now = now;
    this.download.policyChanged(now);
    this.upload.policyChanged(now);
    this.extensions.introduceAgain();
  }

  // Connections

  /** Adds endpoints that we heard of. */
  addPeers(endpoints: readonly HeardEndpoint[], source: PeerSource): void {
    this.#swarmPeers.hear(endpoints, source);
  }

  /** Adds endpoints that another swarm heard of, with their origin. */
  adoptPeers(heard: Iterable<HeardPeer>): void {
    this.#swarmPeers.adopt(heard);
  }

  /**
   * Endpoints to dial now. A peer that lacks something dials all that it knows; a seeder first waits for others to
   * dial.
   */
  takeDials(limit: number): DialTarget[] {
    if (this.failure !== undefined || this.#standing.refusal !== undefined) return [];
    return this.#roster.takeDials(limit, this.download.isComplete, this.#now);
  }

  dialFailed(endpoint: Endpoint): void {
    this.#swarmPeers.dialFailed(endpoint);
  }

  /** Why a connection whose handshake is complete is refused; undefined when it is welcome. */
  refusal(facts: PeerFacts): string | undefined {
    return this.#standing.refusal ?? this.#roster.refusal(facts, this.#now);
  }

  /** A connection is up and was not refused: introduces us. The caller passes the result back with every event. */
  isInUse(peer: RemotePeer, now: number): boolean {
    return exchangesData(peer, now);
  }

  peerConnected(facts: PeerFacts, sender: PeerSender, now: number): RemotePeer {
    return this.#swarmPeers.connected(facts, sender, now, (peer) => {
      this.#near.joined(peer);
      this.#pieces.introduce(peer, this.upload.hidesFrom(peer));
    });
  }

  /** The connection is gone. */
  peerClosed(peer: RemotePeer, reason: string, now: number): void {
    this.#swarmPeers.closed(peer, reason, now, () => {
      // The torrent was resumed before this connection had ended.
      if (reason === PAUSED && this.state !== "paused") this.#roster.known.retryAll();
      this.#statistics.peerLeft(peer);
      this.#pieces.peerLeft(peer);
      this.download.peerLeft(peer, now);
      if (!this.#standing.isStopping) this.upload.peerLeft(peer, now);
    });
  }

  // Messages

  /**
   * Takes one message from `reader` (borrowed until the next one).
   *
   * Errors: `ProtocolError` when the peer broke the protocol; its connection must be closed.
   */
  messageReceived(peer: RemotePeer, reader: MessageReader, now: number): void {
    const { id, index, begin, length, payload } = reader;
    admitMessage(peer, id, now);
    switch (id) {
      case MessageId.piece:
        return this.#blockReceived(peer, index, begin, payload, now);
      case MessageId.request:
        return this.upload.requestReceived(peer, index, begin, length, now);
      case MessageId.cancel:
        return this.upload.cancelReceived(peer, index, begin, length);
      case MessageId.have:
        return this.#haveReceived(peer, index, now);
      case MessageId.bitfield:
        return this.#bitfieldReceived(peer, Bitfield.fromBytes(payload, peer.have.length), now);
      case MessageId.haveAll:
        return this.#bitfieldReceived(peer, Bitfield.full(peer.have.length), now);
      case MessageId.haveNone:
        return this.#bitfieldReceived(peer, new Bitfield(peer.have.length), now);
      case MessageId.choke:
        if (peer.peerChokes) return;
        peer.peerChokes = true;
        return this.download.choked(peer, now);
      case MessageId.unchoke:
        peer.peerChokes = false;
        this.#interest.unchoked(peer);
        return this.download.fillSources(now);
      case MessageId.interested:
        if (peer.peerWants) return;
        peer.peerWants = true;
        return this.upload.gainedInterest(peer, now);
      case MessageId.notInterested:
        if (!peer.peerWants) return;
        peer.peerWants = false;
        return this.upload.lostInterest(peer, now);
      case MessageId.suggest:
        return this.download.suggested(peer, index);
      case MessageId.allowedFast:
        return this.download.allowedFast(peer, index);
      case MessageId.reject:
        return this.download.rejected(peer, index, begin, now);
      case MessageId.extended:
        this.extensions.received(peer, reader.extendedId, payload, now);
        if (peer.isUploadOnly && !peer.weChoke) this.upload.lostInterest(peer, now);
        return this.#interest.closeIfUseless(peer);
    }
  }

  /** All messages of one read from the socket were taken: asks for more blocks, once. */
  batchReceived(peer: RemotePeer, now: number): void {
    this.download.refill(peer, this.#now = now);
  }

  #blockReceived(peer: RemotePeer, index: number, begin: number, blockView: Uint8Array, now: number): void {
    const isNeeded = this.download.blockReceived(peer, index, begin, blockView, now);
    if (isNeeded) this.#statistics.download.add(blockView.length, now);
  }

  #haveReceived(peer: RemotePeer, index: number, now: number): void {
    const wanted = peer.wantedPieces;
    if (!this.#pieces.haveReceived(peer, index)) return losePatience(peer, now);
    peer.progress.add(this.metainfo.layout.lengthOf(index), now);
    this.#piecesChanged(peer, [index], wanted === 0);
  }

  #bitfieldReceived(peer: RemotePeer, bitfield: Bitfield | undefined, now: number): void {
    admitBitfield(peer, this.#pieces.bitfieldReceived(peer, bitfield), now);
    this.#piecesChanged(peer, peer.have, true);
  }

  /** A peer has more pieces. `mayBeSource`: it may have had nothing for us before. */
  #piecesChanged(peer: RemotePeer, indices: Iterable<number>, mayBeSource: boolean): void {
    this.upload.peerHas(peer, indices, this.#now);
    this.#interest.update(peer);
    this.#interest.closeIfUseless(peer);
    if (!peer.peerChokes && peer.wantedPieces > 0) {
      if (peer.isSource) this.download.refill(peer, this.#now);
      else if (mayBeSource) this.download.fillSources(this.#now);
    }
  }

  // Sending

  /** Payload of `bytes` left for the peer. */
  blockSent(peer: RemotePeer, bytes: number, now: number): void {
    this.upload.blockSent(peer, bytes, now);
    this.#statistics.upload.add(bytes, now);
  }

  /** A stored piece cannot be read: we no longer offer it, and fetch nothing more, because the disk refuses. */
  pieceUnreadable(index: number, error: StorageError): void {
    this.storageFailed(error);
    if (!this.download.pieceUnreadable(index)) return;
    for (const peer of this.#peers.values()) this.#dontHave.tellLoss(peer, index);
  }

  // Storage

  pieceStored(index: number): void {
    this.#tellPiece(index, true);
    for (const liar of this.download.pieceStored(index)) this.#roster.ban(liar);
    this.#near.stored(index);
    const have = encodeAboutPiece(MessageId.have, index);
    for (const peer of this.#peers.values()) {
      peer.sender.sendSoon(have);
      if (!peer.have.has(index)) continue;
      peer.wantedPieces--;
      if (this.download.isComplete) this.#interest.update(peer);
      else if (peer.wantedPieces === 0) this.#interest.ranOut(peer, this.#now);
    }
    this.#finishIfComplete();
  }

  #tellPiece(index: number, good: boolean): void {
    const piece = this.download.committing(index);
    if (piece === undefined || !this.#options.surroundings.watchesPieces()) return;
    const { layout, files } = this.metainfo;
    const [{ file, position }] = layout.spans(layout.offsetOf(index), 1);
    this.#swarmPeers.report({
      event: "piece",
      piece: index,
      peers: sendersOf(piece, this.#peers),
      good,
      file: files[file].path.join("/"),
      offset: position,
    });
  }

  /** Moves the wanted files to their final place once all their pieces are stored, unless they are there already. */
  #finishIfComplete(): void {
    if (this.download.isComplete && this.#standing.beginMove()) this.storage.finish();
  }

  pieceCorrupt(index: number, buffer: Uint8Array): void {
    this.#tellPiece(index, false);
    this.#statistics.corrupt += this.metainfo.layout.lengthOf(index);
    const { contributors, convicted } = this.download.pieceCorrupt(index, buffer);
    const peers = contributors.map((number) => this.#peers.get(number)?.name ?? "a peer that left");
    this.#swarmPeers.report({ event: "corrupt", piece: index, peers });
    if (convicted !== undefined) this.#roster.ban(convicted);
    this.download.refillAll(this.#now);
  }

  storageFailed(error: StorageError): void {
    if (this.failure !== undefined) return;
    const wasSeeding = this.seeding;
    const isChange = error instanceof DataChangedError;
    this.#standing.fail(error.message, isChange);
    this.download.abandon();
    for (const peer of this.#peers.values()) this.#interest.update(peer);
    const [event, code] = isChange ? ["warning", "changed"] as const : ["error", "storage"] as const;
    this.#swarmPeers.report({ event, code, message: error.message });
    if (wasSeeding) this.#swarmPeers.report({ event: "status", role: this.role, seeding: false });
  }

  dataFinished(path: string): void {
    // The user may want more files than when the move began.
    if (!this.#standing.endMove()) return this.#finishIfComplete();
    this.#swarmPeers.report({
      event: "complete",
      name: this.metainfo.name,
      path,
      seconds: Math.round(this.#now - this.#options.startedAt) / 1_000,
      sources: this.#statistics.sources(this.#peers.values()),
    });
    if (this.seeding) this.#swarmPeers.report({ event: "status", role: this.role, seeding: true });
    for (const peer of [...this.#peers.values()]) {
      this.extensions.introduce(peer);
      this.#interest.closeIfUseless(peer);
    }
  }

  // Time

  /** Does everything that waits for time to pass. Called every `TICK_MS`. */
  tick(now: number): void {
    this.#swarmPeers.tick(now);
    if (this.#peers.size === 0) return;
    const isRound = now - this.#lastRoundAt >= this.#options.policy.rechokeMs;
    if (isRound) {
      this.#lastRoundAt = now;
      this.download.chooseSources(now);
      this.upload.chooseSlots(now);
    }
    this.download.tick(now);
    this.upload.tick(now);
    this.#interest.tick(now);
    if (isRound) {
      this.#swarmPeers.report(roundNews(this.#peers.values(), this.download.isComplete, now));
    }
    this.extensions.tick(now);
  }

  /** What our machine, which its user calls `name`, tells a tracker of our kind about the torrent at `now`. */
  hostReport(name: string, now: number): HostReport {
    // What a person is to read within seconds must not be an average of many.
    const downloadRate = this.#statistics.download.bytesLately(now);
    const uploadRate = this.#statistics.upload.bytesLately(now);
    const have = this.metainfo.layout.totalLength - this.download.bytesLeft;
    const { state, failure } = this.#standing;
    const bottleneck = bottleneckOf({
      state,
      failure,
      peers: this.#peers.values(),
      diskPressure: this.download.diskPressure.value,
      downloadRate,
      limit: this.limits.download.lowestRate,
    });
    const activity = state === "downloading" || state === "paused" || state === "failed" ? state : "seeding";
    return { name, have, downloadRate, uploadRate, activity, bottleneck };
  }

  /** Everything about the swarm at `now`, as plain data. */
  snapshot(now: number): SwarmSnapshot {
    const { metainfo, download, upload, role, seeding } = this;
    const { state, failure } = this.#standing;
    const parts = { metainfo, download, upload, statistics: this.#statistics, peers: this.#peers };
    const known = this.#roster.known.size;
    const standing = { role, seeding, finished: this.isFinished, state, failure, known };
    this.#snapshot = snapshotOf(parts, standing, now, this.#snapshot);
    return this.#snapshot;
  }

  /** Bytes of pieces that failed their hash in this run. */
  get corruptBytes(): number {
    return this.#statistics.corrupt;
  }

  /** Its files, without padding. */
  files(): Steps<FileView[]> {
    return viewFiles(this.metainfo, this.download.stored, this.#selection);
  }

  /** Its connected web seeds at `now` (ms): bytes per second, and bytes since the connection began. */
  webSeeds(now: number): { url: string; downloadRate: number; downloaded: number }[] {
    return this.#peers.values().filter((peer) => peer.isWebSeed).map(({ facts, download }) => (
      { url: facts.url!, downloadRate: download.bytesPerSecond(now), downloaded: download.total }
    )).toArray();
  }

  /** Its pieces, those under way included. */
  pieces(): Steps<PiecesView> {
    const { stored, picker, active } = this.download;
    const availabilityOf = (index: number) => picker.availabilityOf(index);
    return viewPieces({ stored, wanted: this.#selection.pieces, peers: this.#peers, availabilityOf, active });
  }

  /** The latest moment that the swarm heard of, in ms. */
  get #now(): number {
    return this.#swarmPeers.now;
  }

  set #now(now: number) {
    this.#swarmPeers.now = now;
  }
}
