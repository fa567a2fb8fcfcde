/** A session without a network: torrents as a test describes them, and the orders that the RPC gave. */
import { peerSnapshot } from "../../harness/sessions/snapshots.ts";
import { TransmissionRpc } from "../../../lib/api/transmission/transmission_rpc.ts";
import type { RpcSession } from "../../../lib/api/transmission/session_port.ts";
import type {
  AddOptions,
  Changes,
  Choices,
  FileView,
  PeerView,
  ProcessSnapshot,
  TorrentOrigin,
  TorrentSnapshot,
  TrackerView,
} from "../../../lib/session/session.ts";
import { createLogger } from "../../../lib/log.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import type { EncryptionPolicy } from "../../../lib/settings.ts";
import { DEFAULT_CHOICES } from "../../../lib/swarm/policy.ts";
import { emptySnapshot } from "../../../lib/swarm/empty_snapshot.ts";

/** The info-hash that is one repeated hex digit. */
export function hashOf(digit: string): InfoHash {
  return digit.repeat(40) as InfoHash;
}

export const STARTED_AT = 1_700_000_000_000;

/** A torrent of 4 pieces of 16 KiB, half of them there, with number 1 unless `changes` say otherwise. */
export function torrentOf(digit: string, changes: Partial<TorrentSnapshot> = {}): TorrentSnapshot {
  return {
    ...emptySnapshot(hashOf(digit), `torrent ${digit}`),
    number: 1,
    labels: [],
    addedAt: STARTED_AT + 1_000,
    completedAt: undefined,
    queuePosition: 0,
    isPaused: false,
    pauseReason: undefined,
    reused: 0,
    etaS: undefined,
    length: 65_536,
    pieceLength: 16_384,
    pieces: 4,
    have: 2,
    missing: 2,
    left: 32_768,
    peers: [],
    ...changes,
  };
}

export function peerOf(changes: Partial<PeerView> = {}): PeerView {
  const endpoint = { endpoint: "127.0.0.2:6881", address: "127.0.0.2", port: 6881 };
  return peerSnapshot({ ...endpoint, peerId: "2d".repeat(20), have: 4, isSeed: true, ...changes });
}

/** Records the orders as `name(arguments)`, and shows what the test has put into its members. */
export class FakeSession implements RpcSession {
  home = "/home/me/peer";
  encryption: EncryptionPolicy = "prefer";
  isSequential = false;
  torrents: TorrentSnapshot[] = [];
  fileViews: FileView[] = [];
  trackerViews: TrackerView[] = [];
  chosen: Partial<Choices> = {};
  readonly chosenFor = new Map<InfoHash, Partial<Choices>>();
  readonly orders: string[] = [];
  /** What `open` answers or throws. */
  opens: (origin: TorrentOrigin, options: AddOptions) => { infoHash: InfoHash; isNew: boolean } = () => ({
    infoHash: this.torrents[0].infoHash,
    isNew: true,
  });

  #order(name: string, ...parts: unknown[]): Promise<void> {
    this.orders.push(`${name}(${parts.map((part) => JSON.stringify(part)).join(", ")})`);
    return Promise.resolve();
  }

  // deno-lint-ignore require-await
  async open(origin: TorrentOrigin, options: AddOptions = {}) {
    const shown = "bytes" in origin ? { bytes: new TextDecoder().decode(origin.bytes) } : origin;
    this.#order("open", shown, options);
    return this.opens(origin, options);
  }

  remove(infoHash: InfoHash, deletesData: boolean) {
    this.torrents = this.torrents.filter((torrent) => torrent.infoHash !== infoHash);
    return this.#order("remove", infoHash[0], deletesData);
  }
  pause(infoHash: InfoHash) {
    return this.#order("pause", infoHash[0]);
  }
  resume(infoHash: InfoHash) {
    return this.#order("resume", infoHash[0]);
  }
  verify(infoHash: InfoHash) {
    return this.#order("verify", infoHash[0]);
  }
  reannounce(infoHash: InfoHash) {
    this.#order("reannounce", infoHash[0]);
  }
  select(infoHash: InfoHash, wishes: object) {
    return this.#order("select", infoHash[0], wishes);
  }
  relocate(infoHash: InfoHash, folder: string, movesData: boolean) {
    return this.#order("relocate", infoHash[0], folder, movesData);
  }
  choose(choices: Changes, infoHash?: InfoHash) {
    const entries = Object.entries({ ...this.choices(infoHash), ...choices });
    const chosen = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    if (infoHash === undefined) this.chosen = chosen;
    else this.chosenFor.set(infoHash, chosen);
    return Promise.resolve();
  }
  choices(infoHash?: InfoHash) {
    return infoHash === undefined ? this.chosen : this.chosenFor.get(infoHash) ?? {};
  }
  label(infoHash: InfoHash, labels: readonly string[]) {
    return this.#order("label", infoHash[0], labels);
  }
  addTracker(infoHash: InfoHash, url: string, tier?: number) {
    if (!URL.canParse(url)) return Promise.reject(new RangeError(`Expected an announce address, got ${url}`));
    return this.#order("addTracker", infoHash[0], url, tier ?? "end");
  }
  dropTracker(infoHash: InfoHash, url: string) {
    return this.#order("dropTracker", infoHash[0], url);
  }
  queueMove(infoHash: InfoHash, to: string) {
    return this.#order("queueMove", infoHash[0], to);
  }
  snapshot() {
    return this.torrents;
  }
  has(infoHash: InfoHash) {
    return this.torrents.some((torrent) => torrent.infoHash === infoHash);
  }
  snapshotOf(infoHash: InfoHash) {
    return this.torrents.find((torrent) => torrent.infoHash === infoHash)!;
  }
  details(infoHash: InfoHash) {
    return {
      infoHash,
      name: "",
      isListed: false,
      isSequential: this.isSequential,
      choices: this.choices(infoHash),
      uploadedEver: 0,
      downloadedEver: 0,
      files: 0,
      pieceLength: 16_384,
      comment: "a comment",
      createdBy: "a program",
      createdAt: STARTED_AT,
      isPrivate: true,
      magnet: "magnet:?xt=urn:btih:0",
      folder: "/home/me/peer/shareable",
      corruptBytes: 16_384,
      secondsDownloading: 12,
      secondsSeeding: 34,
    };
  }
  *files() {
    yield;
    return this.fileViews;
  }
  trackers() {
    return this.trackerViews;
  }
  webSeeds() {
    const kind = "files" as const;
    return [{ url: "http://127.0.0.3/data", kind, isConnected: true, downloadRate: 10, downloaded: 0 }];
  }
  *pieces() {
    yield;
    const have = new Uint8Array([0b1010_0000]);
    return { have, wanted: have, availability: new Uint16Array([1, 2, 3, 4]), active: [] };
  }
  process(): ProcessSnapshot {
    return {
      version: "0.1.0",
      hostname: "here",
      peerId: "",
      pid: 1,
      home: this.home,
      encryption: this.encryption,
      localDiscovery: true,
      port: 6881,
      trackerPort: undefined,
      connections: 0,
      startedAt: STARTED_AT,
      downloadRate: 1_000.4,
      uploadRate: 2_000.6,
      downloaded: 1,
      uploaded: 2,
      downloadedEver: 3,
      uploadedEver: 4,
      choices: { ...DEFAULT_CHOICES, ...this.chosen },
      isAlternative: false,
    };
  }
}

/** The RPC over a session in a home that need not exist, and requests to it with the session id. */
export class RpcClient {
  readonly rpc: TransmissionRpc;
  readonly session: FakeSession;
  isStopped = false;
  readonly log: string[] = [];

  constructor(session = new FakeSession(), outputFolders: readonly string[] = []) {
    this.session = session;
    this.rpc = new TransmissionRpc(session, {
      log: createLogger("debug", (line) => this.log.push(line)),
      outputFolders,
      stop: () => this.isStopped = true,
    });
  }

  /** Sends a body as it is, after the handshake. */
  async post(
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const url = "http://127.0.0.1:9091/transmission/rpc";
    const refusal = await this.rpc.answer(new Request(url, { method: "POST" }));
    const id = refusal.headers.get("X-Transmission-Session-Id")!;
    return await this.rpc.answer(
      new Request(url, { method: "POST", body, headers: { "X-Transmission-Session-Id": id, ...headers } }),
    );
  }

  /** The answer to a value, as JSON; undefined for none. */
  async ask(request: unknown): Promise<unknown> {
    const response = await this.post(JSON.stringify(request));
    const text = await response.text();
    return text === "" ? undefined : JSON.parse(text);
  }

  /** What a method of the legacy dialect answers. Errors: fails the test unless it is a success. */
  async legacy(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const { result, arguments: values } = await this.ask({ method, arguments: params }) as Record<
      string,
      unknown
    >;
    if (result !== "success") throw new Error(`Expected success, got ${result}`);
    return values as Record<string, unknown>;
  }

  /** The sentence with which a method of the legacy dialect fails. */
  async failure(method: string, params: object = {}): Promise<string> {
    return (await this.ask({ method, arguments: params }) as { result: string }).result;
  }
}
