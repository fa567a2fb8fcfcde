/** Every tunable of the program: name, unit, value, and why that value. */
import type { MetainfoLimits } from "./protocol/metainfo.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Name and version, as shown to people, trackers and other clients. */
export const VERSION = "0.1.0";

/** What a `.torrent` file may contain at most. */
export const METAINFO_LIMITS: MetainfoLimits = {
  // 2 million pieces need 40 MB of hashes; nobody has more.
  fileBytes: 64 * MIB,
  pieces: 2_097_152,
  files: 200_000,
  minPieceLength: 1 * KIB,
  // A piece is assembled in memory; INTERFACE.md promises 64 MiB in `create`, others use 128.
  maxPieceLength: 128 * MIB,
  bencode: { depth: 100, values: 3_000_000 },
};

/** Ports (INTERFACE.md): the first one tried, and the last one tried when the user named none. */
export const PORTS = { peer: { first: 6881, last: 6889 }, tracker: { first: 6969, last: 6979 } } as const;

/** Connections and how long we are patient. */
export const CONNECTIONS = {
  /** Open connections of one torrent, dialled or accepted. A class of 100 fits, and its sockets fit in 1024 descriptors. */
  perTorrent: 120,
  /** Open connections of the whole process, half-open ones included. */
  perProcess: 800,
  /** Connections from one address to one torrent: a class room behind NAT, but not everybody. */
  perAddress: 64,
  /** Connections a torrent opens by itself; the rest of `perTorrent` is left for those who come to us. */
  dialled: 60,
  /** Dials under way at once in the whole process. */
  dialling: 32,
  /** Accepted connections that have not yet said which torrent they want; older ones are dropped above this. */
  handshaking: 200,
  /** A LAN answers in milliseconds; what takes this long is not there. */
  dialTimeoutMs: 5 * SECOND,
  /** The whole handshake must have arrived by then; libtorrent and Transmission wait 10 s and 30 s. */
  handshakeTimeoutMs: 10 * SECOND,
  /** BEP 3: connections silent for two minutes may be closed. */
  silenceTimeoutMs: 130 * SECOND,
  /** BEP 3: something must be sent every two minutes. */
  keepAliveMs: 100 * SECOND,
  /** A socket that takes none of our bytes for this long is dead: its reader is gone or hostile. */
  writeTimeoutMs: 60 * SECOND,
  /** First pause after a failed dial; doubled each time. */
  redialMs: 3 * SECOND,
  redialMaxMs: 5 * MINUTE,
  /** Endpoints remembered for one torrent. */
  knownPeers: 2_000,
  /** Endpoints kept in the resume state for one torrent. */
  rememberedPeers: 200,
} as const;

/** Messages and blocks on one connection. */
export const TRANSFER = {
  /** Longest message accepted behind its length prefix: a bitfield of 2 million pieces, or a block of 128 KiB. */
  maxMessageBytes: 512 * KIB,
  /** Longest block we serve. BEP 3 clients ask for 16 KiB; 128 KiB is what old ones may ask. */
  maxRequestBytes: 128 * KIB,
  /** Requests we accept from one peer at once, told as `reqq`: 1 GB/s needs about 250 in 4 ms, others ask up to 2,000. */
  maxQueuedRequests: 2_000,
  /** Receive buffer of a new connection; enough for what is not payload. */
  receiveBufferBytes: 64 * KIB,
  /** Receive buffer while we download: each read is a call into the runtime at a fixed price. */
  sourceReceiveBufferBytes: 512 * KIB,
  /** Send buffer: one write to the socket. */
  sendBufferBytes: 512 * KIB,
  /** Idle send buffers kept. */
  sendBuffersKept: 8,
  /** Bytes of small messages that may wait for one peer; a peer that never reads is dropped above this. */
  maxQueuedMessageBytes: 4 * MIB,
  /** Blocks kept asked-for at a source, at least: one piece of 256 KiB. */
  minWindow: 16,
  /** And at most: 16 MiB under way fill any LAN. */
  maxWindow: 1_024,
  /** The window covers this much time at the source's measured rate. A LAN's round trip is below 1 ms; the rest is slack. */
  windowMs: 250,
  /** Length of the rolling window over which all rates are measured. As BEP 3's reference client. */
  rateWindowMs: 20 * SECOND,
} as const;

/** Choosing peers. */
export const CHOKING = {
  uploadSlots: 4,
  downloadSources: 4,
  rechokeMs: 30 * SECOND,
  /** A source that owes blocks and sends none for this long loses its place; BEP 3 says 60 s, a LAN answers sooner. */
  snubbedAfterMs: 15 * SECOND,
  /** A slot whose holder asks for nothing goes to another after this time. */
  idleSlotMs: 1 * SECOND,
  /** A peer connected for less than this counts as a newcomer in the lot for the optimistic place. */
  newcomerMs: 60 * SECOND,
  /** How many lots a newcomer holds against one of the others (BEP 3's reference client: 3). */
  newcomerLots: 3,
  /** Corrupt pieces a peer may have contributed to, together with others, before it is banned. */
  maxCorruptShares: 3,
} as const;

/** Disk. */
export const STORAGE = {
  /** Bytes verified and written at once; above this we stop reading from sockets. */
  maxCommitBytes: 32 * MIB,
  /** Bytes of pieces that are only partly there, over all sources of one torrent; at least a piece per source. */
  maxActiveBytes: 64 * MIB,
  /** Files kept open. Common systems allow 1,024 descriptors, sockets need some. */
  openFiles: 128,
  /** How often written pieces are noted in KV. */
  noteWrittenMs: 1 * SECOND,
  /** How often files are synced and stored pieces noted in KV. */
  syncMs: 5 * SECOND,
  /** How often the resume state takes totals and known peers. */
  noteTotalsMs: 10 * SECOND,
  /** How often `torrents/` is looked through for new files. */
  folderWatchMs: 2 * SECOND,
} as const;

/** The embedded tracker. */
export const TRACKER = {
  /**
   * Seconds between announces we ask for. Membership is pushed to our own kind at once; other clients learn of
   * newcomers only by announcing, and on a LAN an announce every 30 s from 1,000 peers is 33 requests a second.
   */
  intervalSeconds: 30,
  minIntervalSeconds: 10,
  /** A peer silent for this many intervals has left. */
  silentIntervals: 2.5,
  /** Peers in one reply unless the client asks for fewer. */
  defaultNumwant: 50,
  maxNumwant: 200,
  /** With the open tracker, info-hashes remembered. */
  maxInfoHashes: 10_000,
  maxPeersPerInfoHash: 10_000,
  /** All peers of all info-hashes: about 250 bytes each. */
  maxPeers: 100_000,
  /** Peers one address may announce for one info-hash: a class room behind NAT. */
  maxPeersPerAddress: 256,
  /** Longest request line and headers accepted, in bytes. */
  maxRequestBytes: 16 * KIB,
  /** Info-hashes in one scrape. */
  maxScrape: 100,
} as const;

/** Announcing to trackers. */
export const ANNOUNCING = {
  timeoutMs: 10 * SECOND,
  /** How long stopping waits for `stopped` to reach the trackers. */
  stopTimeoutMs: 2 * SECOND,
  /** First pause after a failure; doubled each time, with up to a quarter more by chance. */
  retryMs: 3 * SECOND,
  retryMaxMs: 5 * MINUTE,
  /** Intervals below and above these are not believed. */
  minIntervalMs: 10 * SECOND,
  maxIntervalMs: 60 * MINUTE,
  /** Largest reply read. */
  maxReplyBytes: 1 * MIB,
  /** Endpoints taken from one reply. */
  maxPeers: 500,
} as const;

/** The list of peers pushed by an embedded tracker. */
export const BROADCAST = {
  /** The first change goes out at once; later ones are collected for this long. */
  batchMs: 200,
  /** Endpoints in one message, sent or accepted. */
  maxEndpoints: 500,
  /** Broadcast messages accepted from one connection in a second, on average; more are ignored. */
  maxPerSecond: 10,
} as const;

/** Stopping. */
export const STOPPING = {
  /** How long running commits may take. */
  commitTimeoutMs: 5 * SECOND,
} as const;

/** The slow clock: every timeout and periodic job. */
export const TICK_MS = 1 * SECOND;
