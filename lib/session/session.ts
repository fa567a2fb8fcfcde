/**
 * The session is one running peer: client, server and tracker at once. This is the one way in: whatever a user or a
 * program can tell it is a method here.
 *
 *   ui, api → Session → Runtime, which owns all parts
 */
import { join } from "node:path";
import type { FileLooks } from "../disk/folder_watch.ts";
import { ownAddressFor } from "../net/addresses/own_addresses.ts";
import { toByteString } from "../protocol/bytes.ts";
import { formatEndpoint } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Steps } from "../protocol/steps.ts";
import { VERSION } from "../settings.ts";
import type { Changes, Choices } from "../swarm/policy.ts";
import type { FileView, PiecesView } from "../swarm/swarm_views.ts";
import type { Examination } from "./doctor/checks.ts";
import { subjectsOf } from "./doctor/doctor.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { ShareQuestion, SharesFound } from "./fleet/share_lookup.ts";
import { makeSharedData, ownTiers, type SharedData } from "./fleet/shared_data.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import { checkLabels } from "./kept/kept_torrent.ts";
import type { ProcessSnapshot } from "./process_snapshot.ts";
import { hostsOf, type HostView, roomOf, type RoomView } from "./room.ts";
import type { QueueMove } from "./queue.ts";
import { Runtime } from "./runtime.ts";
import type { SessionEvent, SessionOptions } from "./session_options.ts";
import type { TorrentSnapshot } from "./torrent_snapshot.ts";
import * as views from "./torrent_views.ts";
import type { TorrentDetails, TrackerView, WebSeedView } from "./torrent_views.ts";
import type { AddOptions, OpenedTorrent, TorrentOrigin } from "./torrents.ts";

export { type IpFilter, loadIpFilter } from "../net/addresses/ip_filter.ts";
export { findTorrent, lookOf, saveTorrent, torrentPaths } from "./torrent_folder.ts";
export { defaultOptions, type SessionEvent, type SessionOptions } from "./session_options.ts";
export type { Changes, Choices } from "../swarm/policy.ts";
export type { WeeklySpan } from "../swarm/time_of_week.ts";
export type { RemotePeerSnapshot as PeerView, Role, SwarmSnapshot, TorrentState } from "../swarm/ports.ts";
export type { ActivePieceView, FileView, PiecesView } from "../swarm/swarm_views.ts";
export type { QueueMove } from "./queue.ts";
export type { HostView, RoomView } from "./room.ts";
export type { TorrentDetails, TrackerView, WebSeedView } from "./torrent_views.ts";
export { trustAtRest } from "./fleet/trust_at_rest.ts";
export type { FleetChoices } from "./fleet/fleet.ts";
export type { OfferedHost, OfferView } from "./fleet/offer_view.ts";
export type { FleetView, InvitationView, MemberView } from "./fleet/fleet_view.ts";
export type { SharedTorrent } from "./fleet/share_lookup.ts";
export type { SharedData, ShareQuestion, SharesFound };
export type { AddOptions, FileWishes, OpenedTorrent, ProcessSnapshot, TorrentOrigin, TorrentSnapshot };

/** A running session. */
export class Session {
  readonly #runtime: Runtime;

  private constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Starts a session. Errors: `Error` whose message names the obstacle: a port, the lock, the disk. */
  static async start(options: SessionOptions): Promise<Session> {
    return new Session(await Runtime.start(options));
  }

  // Torrents that come and go

  /**
   * Takes a torrent in, and resolves when it is kept: its `.torrent` file is in `torrents/`, or its magnet link in the
   * state, and the options with it. Checking and fetching begin then. A torrent that is there already stays as it is
   * but for the peers, and begins again where it had failed.
   *
   * Errors: `MetainfoError`; `RangeError` for options that make no sense; `StorageError` when it cannot be kept.
   */
  open(origin: TorrentOrigin, options: AddOptions = {}): Promise<OpenedTorrent> {
    return this.#runtime.torrents.open(origin, options);
  }

  /**
   * Joins the swarm of a `.torrent` file, and dials `peers` (`HOST:PORT`) at once. Resolves when the data on disk has
   * been checked. A torrent that was added before stays as it is, unless it has failed.
   *
   * Errors: `MetainfoError`; `RangeError` when no file of it is wanted; `StorageError`.
   */
  add(torrentPath: string, peers: readonly string[]): Promise<InfoHash> {
    return this.#runtime.torrents.add(torrentPath, peers);
  }

  /**
   * Joins the swarm of a magnet link: fetches the metadata from peers unless `torrents/` has it, saves it there, and
   * goes on as `add` does. The link chooses the files where the user has not chosen any. Until the metadata is there,
   * the link is kept, and `addKept` brings it back at a later start.
   *
   * Errors: `MetainfoError`; `StorageError`; the reason of the end when the torrent or the session ends meanwhile.
   */
  addMagnet(link: string, peers: readonly string[]): Promise<InfoHash> {
    return this.#runtime.torrents.addMagnet(link, peers);
  }

  /** Begins the torrents of kept magnet links, whose metadata has never come; returns how many these are. */
  addKept(peers: readonly string[]): Promise<number> {
    return this.#runtime.torrents.addKept(peers);
  }

  /**
   * Joins `.torrent` files that appear or change in `torrents/`, and leaves torrents whose last file disappears;
   * `known` holds the looks of the files read before.
   */
  watchTorrents(known: FileLooks): void {
    this.#runtime.torrents.watch(known);
  }

  /**
   * Leaves a torrent for good, and removes its file in `torrents/` and its unfinished data; with `deletesData` its
   * finished files too. Errors: `RangeError` for an unknown torrent; `StorageError` when a file cannot be removed, and
   * the caller may try again.
   */
  async remove(infoHash: InfoHash, deletesData: boolean): Promise<void> {
    await this.#runtime.torrents.remove(infoHash, deletesData);
    this.#runtime.fleet.torrentRemoved(infoHash);
  }

  /**
   * Asks the hosts near by for the torrent of a code, or for all that they share; resolves when hosts have answered and
   * no more news come, after a few seconds where nobody does. To get one, `open` its link.
   *
   * Errors: `RangeError` for words that are no code, and for too many questions at once.
   */
  lookUp(question: ShareQuestion): Promise<SharesFound> {
    return this.#runtime.questions.ask(question);
  }

  /**
   * Makes the torrent of a file or folder, wherever it lies, to `share` it; nothing is shared yet. Its announce addresses
   * are those by which others reach this machine. `pieceLength` is in bytes; where left out, it follows from the size.
   * `onProgress` hears pieces done and pieces in all.
   *
   * Errors: `StorageError`, `MetainfoError`; the reason of `signal`, or of the end of the session.
   */
  async prepareShare(
    path: string,
    pieceLength?: number,
    onProgress: (done: number, total: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<SharedData> {
    const { options: { home, host }, trackerPort, signal: ending } = this.#runtime;
    const announceTiers = trackerPort === undefined ? [] : ownTiers(trackerPort, host);
    const until = signal === undefined ? ending : AbortSignal.any([ending, signal]);
    return await makeSharedData({ path, home, announceTiers, pieceLength }, onProgress, until);
  }

  /**
   * Shares prepared data from where it lies; returns whether it is new. A torrent that is known from elsewhere, and is
   * not finished, is taken from here now. `isListed`: whether hosts near by that know no code of it see it.
   *
   * Errors: as `open`.
   */
  async share({ bytes, metainfo, folder, stamps }: SharedData, isListed: boolean): Promise<boolean> {
    const options = { folder, isUsersOwn: true, stamps, isListed };
    const { infoHash } = metainfo;
    if ((await this.open({ bytes }, options)).isNew) return true;
    if (this.details(infoHash).folder === folder || this.snapshotOf(infoHash).finished) return false;
    await this.remove(infoHash, false);
    return (await this.open({ bytes }, options)).isNew;
  }

  /** Whether the session has this torrent. */
  has(infoHash: InfoHash): boolean {
    return this.#runtime.torrents.has(infoHash);
  }

  // Orders of the user. Each takes effect before the method returns, and its promise resolves when it is kept, so that
  // it holds at later starts. All reject with `RangeError` for an unknown torrent, and with `StorageError` where an order
  // that holds now cannot be kept.

  /** Lets a torrent rest until `resume`: no connections, no announces. */
  async pause(infoHash: InfoHash): Promise<void> {
    await this.#runtime.torrents.get(infoHash).pause();
  }

  /** Goes on with a torrent that was paused, or tries again one that has failed. */
  async resume(infoHash: InfoHash): Promise<void> {
    await this.#runtime.torrents.get(infoHash).resume();
  }

  /** Checks all data of a torrent again, and fetches bad pieces again. Resolves when the check is sure to be made. */
  async verify(infoHash: InfoHash): Promise<void> {
    await this.#runtime.torrents.get(infoHash).verify();
  }

  /**
   * Puts the data of a torrent into another folder, an absolute path, which is made where it is missing. Without
   * `movesData` its files are looked for there. Resolves when that is kept; the move itself may take longer.
   * Errors: `RangeError` also for data of the user's own, and while another move is under way.
   */
  async relocate(infoHash: InfoHash, folder: string, movesData: boolean): Promise<void> {
    await this.#runtime.torrents.relocate(infoHash, folder, movesData);
  }

  /** Asks all trackers of a torrent again, as soon as each of them allows it. Errors: `RangeError`, thrown. */
  reannounce(infoHash: InfoHash): void {
    this.#runtime.torrents.get(infoHash).reannounce();
  }

  /**
   * Changes which files of a torrent are wanted, or their order; a wish that is left out stays as it is.
   * Errors: `RangeError` also when no file would be wanted; then nothing has changed.
   */
  async select(infoHash: InfoHash, wishes: FileWishes): Promise<void> {
    await this.#runtime.torrents.get(infoHash).select(wishes);
  }

  /** Gives a torrent these labels in place of those it has. Errors: `RangeError` also for labels that make no sense. */
  async label(infoHash: InfoHash, labels: readonly string[]): Promise<void> {
    await this.#runtime.torrents.get(infoHash).will.change({ labels: checkLabels(labels) });
  }

  /** Moves a torrent within the queue, to one end or by one place. Those behind `maxActive` unfinished ones wait. */
  async queueMove(infoHash: InfoHash, to: QueueMove): Promise<void> {
    await this.#runtime.torrents.move(infoHash, to);
  }

  /**
   * Adds a tracker to the tier at position `tier` of `trackers()`, or in a tier of its own (BEP 12); one that is there
   * already stays where it is. Errors: `RangeError` also for a bad address and a private torrent.
   */
  async addTracker(infoHash: InfoHash, url: string, tier?: number): Promise<void> {
    await this.#runtime.torrents.get(infoHash).addTracker(url, tier);
  }

  /** Drops a tracker. Errors: `RangeError` also for one that the torrent does not have. */
  async dropTracker(infoHash: InfoHash, url: string): Promise<void> {
    await this.#runtime.torrents.get(infoHash).dropTracker(url);
  }

  /** Adds a web seed that serves files (BEP 19). Errors: `RangeError` also for a bad address. */
  async addWebSeed(infoHash: InfoHash, url: string): Promise<void> {
    await this.#runtime.torrents.get(infoHash).addWebSeed(url);
  }

  /** Drops a web seed. Errors: `RangeError` also for one that the torrent does not have. */
  async dropWebSeed(infoHash: InfoHash, url: string): Promise<void> {
    await this.#runtime.torrents.get(infoHash).dropWebSeed(url);
  }

  /** Dials peers at once (`HOST:PORT` each); not kept. Errors: `RangeError`, thrown. */
  addPeers(infoHash: InfoHash, hostPorts: readonly string[]): void {
    this.#runtime.torrents.get(infoHash).addPeers(hostPorts);
  }

  /**
   * Chooses limits, slots, sources and the like for one torrent, or without `infoHash` for all of them; rates chosen
   * for all hold for the whole process. A member that is undefined returns to the value for all, and for all to the
   * setting of `peer.toml` or the default.
   * Errors: `RangeError` also for a value out of range; then nothing has changed.
   */
  async choose(choices: Changes, infoHash?: InfoHash): Promise<void> {
    if (infoHash !== undefined) return await this.#runtime.torrents.get(infoHash).choose(choices);
    const choosing = this.#runtime.choices.choose(choices);
    for (const torrent of this.#runtime.torrents) torrent.policyChanged();
    this.#runtime.standingChanged();
    await choosing;
  }

  /** The choices made for one torrent alone, or without `infoHash` those for all torrents. Errors: `RangeError`, thrown. */
  choices(infoHash?: InfoHash): Partial<Choices> {
    return infoHash === undefined
      ? this.#runtime.choices.policy.own
      : this.#runtime.torrents.get(infoHash).will.policy.own;
  }

  /**
   * Bans an IP address for all torrents: its connections end, and none begins until `unban`. Errors: `RangeError` for a
   * text that is no address, and when too many are banned.
   */
  async ban(address: string): Promise<void> {
    const banning = this.#runtime.bans.add(address);
    this.#runtime.connections.closeBlocked();
    await banning;
  }

  /** Takes back the ban of an address. Errors: `RangeError` for a text that is no address. */
  async unban(address: string): Promise<void> {
    await this.#runtime.bans.delete(address);
  }

  /** All banned addresses. */
  bans(): readonly string[] {
    return this.#runtime.bans.addresses;
  }

  // Views

  /** All torrents at this moment, as plain data, in the order of the queue. */
  snapshot(): TorrentSnapshot[] {
    const now = this.#runtime.surroundings.now();
    return this.#runtime.torrents.inOrder.map((torrent, position) => torrent.snapshot(now, position));
  }

  /** One torrent at this moment. Errors: `RangeError` for an unknown torrent. */
  snapshotOf(infoHash: InfoHash): TorrentSnapshot {
    const { torrents, surroundings } = this.#runtime;
    const torrent = torrents.get(infoHash);
    return torrent.snapshot(surroundings.now(), torrents.inOrder.indexOf(torrent));
  }

  // Views of one torrent, computed at each call. Those that may be long are computed in steps, between which other work
  // may go on. Errors: `RangeError` for an unknown torrent.

  /** What it is. */
  details(infoHash: InfoHash): TorrentDetails {
    const torrent = this.#runtime.torrents.get(infoHash);
    const folder = torrent.will.kept.folder ?? join(this.#runtime.options.home, "shareable");
    const { isListed } = torrent.will.kept;
    return views.detailsOf(
      torrent.parts,
      this.snapshotOf(infoHash),
      { folder, isListed },
      torrent.will.policy.own,
      torrent.times,
    );
  }

  /** Its files; none while it lacks the metadata. */
  files(infoHash: InfoHash): Steps<FileView[]> {
    return views.filesOf(this.#runtime.torrents.get(infoHash).parts);
  }

  /** Its trackers, tier by tier. */
  trackers(infoHash: InfoHash): TrackerView[] {
    const own = {
      counts: this.#runtime.registry.scrape(infoHash),
      listed: this.#runtime.registry.listedCount(infoHash),
    };
    return views.trackersOf(this.#runtime.torrents.get(infoHash).parts, own, this.#runtime.surroundings);
  }

  /** The trackers of other machines that stand in for its own while none of these answers. Errors: `RangeError`, thrown. */
  standIns(infoHash: InfoHash): TrackerView[] {
    return views.standInsOf(this.#runtime.torrents.get(infoHash).parts, this.#runtime.surroundings);
  }

  /** Its web seeds. */
  webSeeds(infoHash: InfoHash): WebSeedView[] {
    return views.webSeedsOf(this.#runtime.torrents.get(infoHash).parts, this.#runtime.surroundings.now());
  }

  /** Its pieces, and the table of the blocks under way. */
  pieces(infoHash: InfoHash): Steps<PiecesView> {
    return views.piecesOf(this.#runtime.torrents.get(infoHash).parts);
  }

  /** The machines that take part in it, this one first. */
  hosts(infoHash: InfoHash): HostView[] {
    return this.hostsIn(this.snapshotOf(infoHash));
  }

  /** The machines of a torrent in numbers, from its present snapshot; undefined while this machine is alone. */
  room(snapshot: TorrentSnapshot): RoomView | undefined {
    const isAlone = snapshot.connections === 0 && !this.#runtime.registry.hasHosts(snapshot.infoHash);
    return isAlone ? undefined : roomOf(this.hostsIn(snapshot), snapshot);
  }

  /** The machines that take part in a torrent, from its present snapshot. */
  hostsIn(snapshot: TorrentSnapshot): HostView[] {
    const { registry, surroundings: { now, wallClock, machine, client, listenPort } } = this.#runtime;
    const tracked = registry.hosts(snapshot.infoHash, now());
    const other = tracked[0]?.endpoint.address ?? snapshot.peers[0]?.address ?? "10.0.0.1";
    const address = ownAddressFor(other) ?? "127.0.0.1";
    return hostsOf({
      snapshot,
      tracked,
      self: { name: machine, client, endpoint: formatEndpoint({ address, port: listenPort }) },
      now: now(),
      wallClock: wallClock(),
    });
  }

  /**
   * Finds out why this machine is not reached, or why a torrent stands still: one true sentence for each check. It takes
   * some seconds. Without an info-hash it looks at all torrents.
   *
   * Errors: `RangeError` for an unknown torrent; the reason of the end, where the session ends meanwhile.
   */
  async examine(infoHash?: InfoHash): Promise<Examination> {
    const { torrents, doctor } = this.#runtime;
    if (infoHash !== undefined) torrents.get(infoHash);
    return await doctor.examine(subjectsOf(torrents, infoHash));
  }

  // The fleet

  /** The fleet that this home is a member of, with its orders. */
  get fleet(): Fleet {
    return this.#runtime.fleet;
  }

  // The process

  /** The process at this moment, as plain data. */
  process(): ProcessSnapshot {
    const { surroundings, options, port, trackerPort, startedAt, connections, choices, traffic } =
      this.#runtime;
    const { home, encryption, localDiscovery } = options;
    return {
      version: VERSION,
      hostname: surroundings.machine,
      peerId: toByteString(surroundings.peerId),
      pid: Deno.pid,
      home,
      port,
      trackerPort,
      startedAt,
      connections: connections.count,
      choices: choices.inForce,
      isAlternative: choices.policy.altIsOn,
      encryption,
      localDiscovery,
      ...traffic.snapshot(surroundings.now()),
    };
  }

  /**
   * Calls a listener with each event from now on, beside that of the options; returns the function that ends this. The
   * event `piece` comes thousands of times a second, and only to listeners that ask for it.
   */
  observe(listener: (event: SessionEvent) => void, watchesPieces = false): () => void {
    return this.#runtime.observe(listener, watchesPieces);
  }

  /** The port at which peers reach us. */
  get port(): number {
    return this.#runtime.port;
  }

  /** Stops cleanly: tells the trackers, saves everything and ends every loop. */
  stop(): Promise<void> {
    return this.#runtime.stop();
  }
}
