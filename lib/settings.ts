/** Every tunable of the program: its name, unit and value, and the reason for that value. */
import config from "../deno.json" with { type: "json" };
import { LSD_PORT } from "./protocol/lsd_message.ts";
import type { MagnetLimits } from "./protocol/magnet.ts";
import type { MetainfoLimits } from "./protocol/metainfo.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The version of the program, as shown to people, trackers and other clients. */
export const VERSION = config.version;

/** What a `.torrent` file may contain at most. */
export const METAINFO_LIMITS: MetainfoLimits = {
  // The hashes of 2 million pieces take 40 MB; no torrent in use has more.
  fileBytes: 64 * MIB,
  pieces: 2_097_152,
  files: 200_000,
  // Enough for 200,000 files with paths of seven names.
  fileValues: 2_000_000,
  // Enough for thousands of trackers.
  outerValues: 20_000,
  minPieceLength: 1 * KIB,
  // A piece is assembled in memory. `create` makes pieces of up to 64 MiB, other programs of up to 128 MiB.
  maxPieceLength: 128 * MIB,
  bencode: { depth: 100, values: 3_000_000 },
};

/** What a magnet link may contain at most: as much text as a shell passes on, and more trackers than are useful. */
export const MAGNET_LIMITS: MagnetLimits = { characters: 60 * KIB, entries: 200 };

/** The first and the last port that are tried where the user named none. */
export const PORTS = {
  peer: { first: 6881, last: 6889 },
  tracker: { first: 6969, last: 6979 },
  /** Ports of the HTTP interface; the first is Transmission's, so that its tools need no settings. */
  web: { first: 9091, last: 9099 },
  /** The port of local discovery (BEP 14), always this one. */
  localDiscovery: LSD_PORT,
} as const;

/** Whether connections between peers are encrypted (MSE): where it helps, always, or never. */
export const ENCRYPTION_POLICIES = ["prefer", "require", "off"] as const;
export type EncryptionPolicy = typeof ENCRYPTION_POLICIES[number];

/** Limits on connections, and how long we wait for a remote peer. */
export const CONNECTIONS = {
  /** Open connections of one torrent, dialled or accepted: enough for a class of 100, and within 1,024 descriptors. */
  perTorrent: 120,
  /** Open connections of the whole process, half-open ones included. */
  perProcess: 800,
  /**
   * Handshakes beyond these: when all places are taken, a newcomer gets that of an idle peer, but only once it has shown
   * itself by its handshake.
   */
  newcomersBeyond: 16,
  /** How many of these are kept for peers that connect to us: we stop dialling when no more are free. */
  keptForNewcomers: 200,
  /** Connections from one address to one torrent: enough for a class room behind NAT, but less than all places. */
  perAddress: 64,
  /** Connections that a torrent opens by itself; the rest of `perTorrent` is left for peers that connect to us. */
  dialled: 60,
  /** Connections that a torrent may open by itself, however many peers have connected to it. */
  leastDialled: 10,
  /** Dials under way at once in the whole process, until their handshake is over. */
  dialling: 32,
  /** A dial that takes longer gives way while other dials wait: a peer that is there answers in a moment. */
  dialPatienceMs: 1 * SECOND,
  /** Accepted connections whose handshake is under way; when one more comes, an old one is dropped. */
  handshaking: 200,
  /** A peer on a LAN answers in milliseconds; a peer that takes this long is not there. */
  dialTimeoutMs: 5 * SECOND,
  /** The whole handshake must have arrived by then; libtorrent and Transmission wait 10 s and 30 s. */
  handshakeTimeoutMs: 10 * SECOND,
  /** BEP 3 lets us close a connection that was silent for two minutes. */
  silenceTimeoutMs: 130 * SECOND,
  /** BEP 3 wants each side to send something every two minutes. */
  keepAliveMs: 100 * SECOND,
  /** A socket that takes none of our bytes for this long is dead: its reader is gone or hostile. */
  writeTimeoutMs: 60 * SECOND,
  /**
   * How long a seeder that heard of a peer waits before it dials that peer. A peer of our own kind connects to us
   * within milliseconds; other peers hear of us minutes later, or cannot reach us although we can reach them.
   */
  seederPatienceMs: 1 * SECOND,
  /** First pause after a dial that failed or was refused; it doubles each time. Peers on a LAN are soon back. */
  redialMs: 500,
  /** Pause after the end of a connection whose handshake had succeeded. */
  reconnectMs: 3 * SECOND,
  redialMaxMs: 5 * MINUTE,
  /** Shortest time between two dials of an endpoint that others name again and again: such claims are easily forged. */
  retoldMs: 30 * SECOND,
  /** Endpoints remembered for one torrent. */
  knownPeers: 2_000,
  /** How many of these may come from one address and be unconfirmed as yet: more than we ever connect to. */
  knownPerTeller: 500,
  /** The same for all senders of multicast together, as they can forge their address: more than a LAN has peers. */
  knownFromLsd: 500,
  /** How often the list of known peers is reported: a list may take 40 KB, and other peers can cause such reports. */
  peerNews: { burst: 20, perSecond: 5 },
  /** Banned endpoints, peers and addresses remembered for one torrent, and endpoints that turned out to be our own. */
  maxBans: 2_000,
  /**
   * When both sides dialled and the other peer is not of our kind, both connections live this long: the other peer may
   * close either of them, at once or after it has looked at both.
   */
  twinTrialMs: 2 * SECOND,
  /** A connection silent for this long gives way to a new one with the same peer at the same address. */
  silentTwinMs: 2 * SECOND,
  /** A connection that owes us blocks and is silent for this long is closed when its peer uses another address. */
  deadTwinMs: 5 * SECOND,
  /** When there are too many connections, one whose peer sent nothing for this long after its handshake goes first. */
  speechlessMs: 2 * SECOND,
  /** Sources of one torrent whose bytes are counted one by one: all peers of a school, but not all names of a forger. */
  countedSources: 1_000,
  /** Addresses that the user has banned: as many as fit into one record of the resume state. */
  userBans: 1_000,
  /** Peers of one torrent that the user named, and that are dialled anew each time it begins. */
  namedPeers: 200,
  /** Endpoints kept in the resume state for one torrent. */
  rememberedPeers: 200,
} as const;

/** Messages and blocks on one connection. */
export const TRANSFER = {
  /**
   * Longest message accepted behind its length prefix, but for the bitfield of a torrent with more than a million
   * pieces: blocks have 16 KiB, and before the metadata is known a bitfield has 100 KiB at most.
   */
  maxMessageBytes: 128 * KIB,
  /** Copies of the whole torrent that one connection may take; a peer that wants more is after our bandwidth. */
  maxCopies: 4,
  /** Longest block we serve. Clients ask for 16 KiB (BEP 3); old ones may ask for 128 KiB. */
  maxRequestBytes: 128 * KIB,
  /** Requests we accept from one peer at once, sent as `reqq`: 1 GB/s needs 250 in 4 ms, other clients send 2,000. */
  maxQueuedRequests: 2_000,
  /** Receive buffer of a new connection; enough for messages without payload. */
  receiveBufferBytes: 16 * KIB,
  /** Receive buffer while we download: each read is a call into the runtime at a fixed price. */
  sourceReceiveBufferBytes: 256 * KIB,
  /** Send buffer, for one write to the socket: eight blocks of 16 KiB or the longest block we serve, with headers. */
  sendBufferBytes: 128 * KIB + 8 * 13,
  /** Idle send buffers kept. */
  sendBuffersKept: 8,
  /** How long news of a stored piece may wait for more: with 16 peers it halves the work of small links. */
  soonMs: 50,
  /** Idle receive buffers kept. */
  receiveBuffersKept: 8,
  /** Bytes of small messages that may wait for one peer; a peer that never reads is dropped above this. */
  maxQueuedMessageBytes: 4 * MIB,
  /** The same for all peers together; above this, a peer with more than an equal share waiting is dropped. */
  maxBacklogBytes: 64 * MIB,
  /** Bytes of messages written at once to a peer without an upload slot: hundreds of such writes may hang. */
  maxChokedSendBytes: 32 * KIB,
  /** Unanswered requests at one source, at most: 16 MiB under way fill any LAN. */
  maxWindow: 1_024,
  /** Requests that a remote without `reqq` is taken to accept at once; libtorrent and others assume 250. */
  defaultReqq: 250,
  /** Requests to begin with, before there is a measured rate: 256 KiB, most of a small file. */
  firstWindow: 16,
  /** A request unanswered for this long, and for four times the window's time, is sent again: some clients drop them. */
  requestTimeoutMs: 10 * SECOND,
  /** In endgame a source takes over blocks from those that are slower by more than this factor. */
  farFaster: 4,
  /** Suggested pieces remembered for one peer. */
  maxSuggestions: 256,
  /**
   * Messages of one peer that bring nothing: keep-alives, repetitions, refused requests. A whole queue of requests may
   * cross our choke; peers that trade small pieces send 40 messages a second about their interest alone.
   */
  patience: { burst: 4_000, perSecond: 100 },
  /**
   * A bitfield with at least `manyPieces` new pieces is news (aria2 sends one for 20 and more). Any other bitfield
   * costs the patience of one message for each `piecesPerMessage` pieces in it.
   */
  bitfield: { manyPieces: 16, piecesPerMessage: 1024 },
  /** Blocks that a peer may send without our request before it is dropped. */
  maxUnwantedBlocks: 512,
  /**
   * The window covers this much time at the source's measured rate. A LAN's round trip is below 1 ms; the rest is slack
   * for a busy event loop. With more slack, sixteen receivers take a tenth longer: a block that waits at one source
   * cannot come from another.
   */
  windowMs: 20,
  /** Blocks added to that window: they are its least size, and let it grow where the window itself limits the rate. */
  windowGrowth: 4,
  /** Length of the rolling window over which all rates are measured, as in the reference client of BEP 3. */
  rateWindowMs: 20 * SECOND,
} as const;

/** Pieces that choked peers may ask for (BEP 6 "allowed fast"). */
export const FAST = {
  /** Pieces allowed to a peer that has fewer than this, and the count from which we ask for none ourselves (BEP 6). */
  pieces: 10,
  /** Bytes of all these pieces together, where pieces are large; one piece is always allowed. */
  bytes: 4 * MIB,
  /** How often a block is served on one connection; more requests are rejected. */
  servesPerBlock: 2,
  /** Peers that may ask for such pieces at once. */
  holders: 4,
  /** Pieces remembered that one peer lets us ask for. */
  maxAllowed: 64,
} as const;

/** Super-seeding (BEP 16). */
export const SUPER_SEEDING = {
  /** Bytes that a peer may receive from us without passing any on, before it gets one piece at a time. */
  maxAloneBytes: 16 * MIB,
  /** A piece that was begun and did not arrive for this long is shown to others too. */
  patienceMs: 10 * SECOND,
  /** Pieces shown to a peer in one turn, once all are shown: 18 KB of messages. */
  piecesAtOnce: 2_000,
} as const;

/** Choosing which peers get upload slots and which become download sources. */
export const CHOKING = {
  uploadSlots: 4,
  downloadSources: 4,
  rechokeMs: 30 * SECOND,
  /** A source that owes blocks and sends none for this long loses its place; BEP 3 says 60 s, a LAN answers sooner. */
  snubbedAfterMs: 15 * SECOND,
  /** The same for a source that never sent a block while others wait for its place: some only pretend to have data. */
  unprovenAfterMs: 3 * SECOND,
  /** Blocks that a former source still owes are asked of others when that peer sends none for this long. */
  leftBlocksMs: 500,
  /** A peer that refuses a request although it unchokes us is asked again after this time, never in a tight loop. */
  rejectPauseMs: 1 * SECOND,
  /**
   * A slot whose holder has not asked for anything yet goes to another at the first tick after this time, or after twice
   * the time that this peer took to ask lately: on a busy machine it may be on its way to us for long.
   */
  unusedSlotMs: 190,
  /** What is left of that time with each new slot. */
  forgottenDelay: 0.75,
  /**
   * The same for a holder that has asked: the last blocks sent to it may wait in the kernel for a few tenths of a
   * second, and only then does it ask again.
   */
  idleSlotMs: 1 * SECOND,
  /** A peer that has nothing more for us is told after this time: mostly it has a new piece by then. */
  ranOutMs: 500,
  /** A slot whose holder accepts none of the blocks it asked for goes to another after this; 128 KiB leave at once. */
  stalledSlotMs: 15 * SECOND,
  /** Peers that left their slot unused are passed over for this long while others want one. */
  idlePauseMs: 1 * SECOND,
  /** A peer connected for less than this counts as a newcomer in the draw for the optimistic unchoke. */
  newcomerMs: 60 * SECOND,
  /** How many lots a newcomer has in that draw; any other peer has one (BEP 3's reference client: 3). */
  newcomerLots: 3,
  /** Failed pieces whose blocks are remembered to find out which peer sent wrong data. */
  maxSuspectPieces: 64,
  /** Peers that gave us data and left, remembered in case that data turns out to be wrong. */
  maxDeparted: 256,
  /** Bans from one address after which the whole address is banned: so many mean an attack, not a class room. */
  bansPerAddress: 3,
} as const;

/** Trials of peers that wait to become download sources. */
export const TRIALS = {
  /** How long a first trial takes at least, and how often this time is doubled for a peer that was tried before. */
  firstMs: 90,
  doublings: 5,
  /** After this time a source is judged by its latest blocks, those of the last second or two. */
  lateMs: 2 * SECOND,
  /** Pause before the next trial, and the factor by which it grows after each further trial. */
  pauseMs: 2 * SECOND,
  pauseGrowth: 4,
  /** How long an invited peer may take to unchoke us: a LAN's round trip, and a busy machine. */
  invitationMs: 300,
  /** Bytes that trials may cost before anything has arrived, and the share of arriving bytes that they may cost. */
  firstCredit: 256 * KIB,
  costShare: 1 / 16,
  /** A peer that was tried before gets another trial only in a place that brings at most this many bytes per second. */
  poorWorth: 64 * KIB,
  /** A former source takes its place back if it brought this many times as much as the source that holds the place. */
  muchBetter: 2,
} as const;

/** The signs of a peer that wants our uplink more than our data. */
export const GREED = {
  /** A peer that asked for more blocks than this a second time counts as greedy, … */
  repeatedBlocks: 4,
  /** … if they are more than this share of its requests: a corrupt piece or a lost request makes no peer greedy. */
  repeatedShare: 1 / 32,
  /** Bytes and pieces that a peer may receive without announcing a piece: honest peers fetch a few side by side, … */
  undigestedBytes: 256 * KIB,
  undigestedPieces: 2,
  /** … and announce a piece some hundredths of a second after its last block has left us. */
  digestMs: 500,
} as const;

/** Reading, writing and checking of data on disk. */
export const STORAGE = {
  /** Bytes verified and written at once; above this we stop reading from sockets. */
  maxCommitBytes: 32 * MIB,
  /**
   * The main thread commits pieces of up to `maxBytes` in up to `maxFiles`, of which each may have to be made, which
   * takes up to a millisecond; it does so while the process uses less than `maxCores` on average, …
   */
  mainThread: { maxBytes: 4 * MIB, maxFiles: 8, maxCores: 0.85, sampleMs: 200 },
  /**
   * A torrent of more files than these has each of them made when something is first written to it, and all moved as
   * one folder: either takes up to a millisecond a file.
   */
  manyFiles: 256,
  /**
   * A torrent of many files that are smaller on average, in bytes, has them synced when all are in place, as a sync takes
   * longer than writing one. Until then their pieces count as written, which is hashed anew after a kill.
   */
  smallFile: 64 * KIB,
  /** A swarm waits no longer for pieces that may be in old data, once this data has not answered for so long. */
  reusePatienceMs: 10 * SECOND,
  /** Old files and folders in which pieces of one torrent may be looked for. */
  oldPaths: 16,
  /** Files that may hold a block which is read at one stroke: each is looked at, opened and closed. */
  filesPerRead: 64,
  /** Files that are synced at the same time: file systems save many changes at the price of one. */
  syncsAtOnce: 16,
  /** … and while no disk delays it: not within `pauseMs` after a slow commit, and after `quickCommits` quick ones. */
  patience: {
    slowCommitMs: 50,
    pauseMs: 30 * SECOND,
    quickCommits: 16,
    /** A read for uploads is slow from here on. */
    slowReadMs: 20,
    /** So many quick reads of other threads show that a disk is quick; … */
    quickReads: 4,
    /** … a slow one takes back so many of them, as a busy machine makes many reads slow, and a slow disk nearly all. */
    slowCounts: 0.25,
    /** So long slow reads may hold up the main thread at a time, … */
    maxHeldMs: 150,
    /** … and for this share of a long time. On a slow disk they take nearly all of it. */
    heldShare: 0.3,
    /** The pause of the main thread after that, when the last one was long ago; it doubles each time, up to `pauseMs`. */
    firstPauseMs: 1 * SECOND,
  },
  /** Bytes of active pieces, over all sources of one torrent; each source may always have one piece. */
  maxActiveBytes: 64 * MIB,
  /** Files kept open. Common systems allow 1,024 descriptors, and sockets need some of them. */
  openFiles: 128,
  /** The same for each disk worker: few, since a worker does not notice when other threads lack descriptors. */
  workerOpenFiles: 16,
  /**
   * How often an operation is tried while no descriptor is free or another program holds the file: for half a minute in
   * all, since peers time out within that time. A virus scanner soon lets go, so the pauses begin short and double.
   */
  busyTries: 34,
  firstBusyPauseMs: 50,
  busyPauseMs: 1 * SECOND,
  /** Disk workers that check data at once, at most one per core; more workers only make a disk seek. */
  checkWorkers: 8,
  /**
   * Pieces are handed to a checking worker in batches of about this many bytes, to spare messages, or of this many files,
   * of which each takes 20 µs and more to open: otherwise one worker would get all of a hundred thousand tiny files.
   */
  checkBatch: { bytes: 4 * MIB, files: 512 },
  /** Bytes read and hashed at once while checking: few enough for the processor's cache. */
  hashReadBytes: 256 * KIB,
  /** How often written pieces are noted in KV. */
  noteWrittenMs: 1 * SECOND,
  /** How often files are synced and stored pieces noted in KV. */
  syncMs: 5 * SECOND,
  /** How often totals and known peers are saved in the resume state. */
  noteTotalsMs: 10 * SECOND,
  /** How often it is saved how long a torrent was downloaded and seeded: a thousand of them may be seeding. */
  noteTimesMs: 60 * SECOND,
  /** A gap between two turns that is longer counts as this: the machine was asleep, and nothing was seeded. */
  longestTurnMs: 10 * SECOND,
  /** Globs, and ranges of files, of one kind that are kept for a torrent: more than a user types. */
  keptGlobs: 1_000,
  /** How often idle files in `shareable/` are checked for changes; 1,000 torrents cost 100 checks a second. */
  lookMs: 10 * SECOND,
  /** Files of one torrent in one such check. Files that are being read are checked every second. */
  filesPerLook: 8,
  /** How long files are left alone after a change was noticed: the program that changed them may still be writing. */
  settleMs: 2 * SECOND,
  /** Work on large torrents lets other work go on after this time; a tracker's answer may wait this long. */
  sliceMs: 8,
  /** A lock of `state/` that is held for longer is held by a process that uses it, and not by one that only looks. */
  lockPatienceMs: 250,
  /** How often `torrents/` is searched for new files. */
  folderWatchMs: 2 * SECOND,
} as const;

/** Labels that the user gives a torrent: enough to sort by, and few enough that all fit into one record. */
export const LABELS = { perTorrent: 32, characters: 100 } as const;

/** The alternative limits of upload and download until the user chooses others, in bytes per second; as Transmission's. */
export const ALTERNATIVE_LIMIT = 50_000;

/** Trackers and web seeds that the user adds and drops: as many as fit into one record of the resume state. */
export const ADDED_ADDRESSES = { characters: 2_000, allCharacters: 40_000 } as const;

/** Downloads of `.torrent` files that the user names by a URL. */
export const DOWNLOAD = {
  /** Larger than the torrents that people make, and little enough to be held in memory. */
  maxBytes: 16 * MIB,
  timeoutMs: 60 * SECOND,
  maxRedirects: 5,
} as const;

/** The program itself, handed out to machines that have none. */
export const HAND_OUT = {
  /** Where the page is, below the tracker's address. */
  path: "/get",
  /** Machines that fetch it at once; others are told to come back. */
  atOnce: 64,
  /** Bytes read at once. */
  partBytes: 256 * KIB,
} as const;

/** The embedded tracker. */
export const TRACKER = {
  /**
   * Seconds between announces that we ask for. Peers of our own kind hear of newcomers at once; other clients learn of
   * them only by announcing, and on a LAN an announce every 30 s from 1,000 peers is 33 requests a second.
   */
  intervalSeconds: 30,
  minIntervalSeconds: 10,
  /** A peer of our own kind that is silent for this many intervals has left. */
  silentIntervals: 2.5,
  /**
   * Any other peer that is silent for this long has left. Other clients announce more rarely than we ask: libtorrent,
   * qBittorrent and Deluge every 5 minutes at most, rTorrent every 10. They may miss one announce and be late.
   */
  strangersSilenceMs: 25 * MINUTE,
  /** Peers in one reply unless the client asks for fewer. */
  defaultNumwant: 50,
  maxNumwant: 200,
  /** Info-hashes that an open tracker remembers. */
  maxInfoHashes: 10_000,
  maxPeersPerInfoHash: 10_000,
  /** All peers of all info-hashes: about 350 bytes each. */
  maxPeers: 100_000,
  /** Peers that one address may announce for one info-hash: enough for a class room behind NAT. */
  maxPeersPerAddress: 256,
  /** News of one info-hash's peers from one address: two class rooms at once, then as many as time out by silence. */
  newsPerSender: { burst: 512, perSecond: 4 },
  /** Pairs of info-hash and address whose news are counted. */
  maxNewsSenders: 4_096,
  /** Lowest port that a peer may claim at an address other than its own: lower ones belong to a system's services. */
  minClaimedPort: 1_024,
  /** Longest request line and headers accepted, in bytes. */
  maxRequestBytes: 16 * KIB,
  /** Announces have no body. */
  maxBodyBytes: 0,
  /** HTTP connections open at once: an announce needs one for milliseconds. */
  maxConnections: 1_000,
  /** Time for a request to arrive whole, and for its reply to be read; an idle connection ends after it as well. */
  requestTimeoutMs: 15 * SECOND,
  /** Info-hashes in one scrape. */
  maxScrape: 100,
  /** How often this machine's addresses are listed, as UDP listens on each; clients ask again after a few seconds. */
  rescanMs: 1_500,
  /** Addresses that UDP listens on: each takes a descriptor, and hosts of containers have dozens of addresses. */
  maxUdpAddresses: 64,
} as const;

/** What machines of our kind tell of themselves to trackers of our kind, and what is kept of it. */
export const HOSTS = {
  /** How soon the first report follows the first announce, in ms. */
  firstReportMs: 1 * SECOND,
  /**
   * Seconds between two reports of a machine that loads, at least. A disk that falls behind shows that after three
   * seconds; with this and the page's own look each second, a person reads it within seven.
   */
  minReportSeconds: 2,
  /** The same for a machine that has everything: it has little news, and may have a thousand torrents. */
  doneReportSeconds: 5,
  /**
   * The seconds between two reports grow with the root of the number of machines: four report every 2 s, sixteen every
   * 3 s, a thousand every 23 s. The first machine, which serves the data as well, must not be kept busy by them.
   */
  secondsPerRoot: 0.7,
  /** Reports are not more often believed to be wanted, nor less often, than after so many seconds. */
  maxReportSeconds: 10 * 60,
  /** A machine that lets so many reports out has gone … */
  silentReports: 2.2,
  /** … but not before this time, in ms: a busy machine may be late. */
  minSilenceMs: 8 * SECOND,
  /** Over how long a time the pace of a machine is averaged, in ms: a slow disk stores in fits and starts. */
  paceMs: 7 * SECOND,
  /** Hosts remembered of a torrent, those that left among them; each takes about 600 bytes. */
  maxPerTorrent: 2_000,
  /** A host that loads at less than this share of the usual rate is slow. */
  slowShare: 0.5,
  /** A newcomer is not called slow before so many ms: its first blocks have a long way. */
  warmUpMs: 4 * SECOND,
  /** Over how long a time the pressure on the disk is measured, in ms. */
  pressureMs: 3 * SECOND,
  /** A disk keeps up that verifies and writes a piece within this time, in ms. */
  diskBehindMs: 2 * SECOND,
  /** When received data waits for the disk in at least this part of the time, the disk holds a download up. */
  muchPressure: 0.3,
  /** Above this part of the user's limit, the limit is what holds a download up. */
  nearLimit: 0.85,
} as const;

/** `GET /torrent/HASH.torrent`: bytes at once, a file among them, and bytes a second, for all readers together. */
export const TORRENT_SERVING = { burst: 16 * MIB, perSecond: 16 * MIB } as const;

/** Fetching what machines of the same subnet have from there (`lib/swarm/download/near_first.ts`). */
export const NEAR = {
  /** Connections beyond the router that are kept, however many machines are near. */
  leastFar: 4,
  /** A machine that has got its share waits until no piece has come for so many times as long as pieces took lately … */
  intervals: 4,
  /** … and at least as long, in ms. */
  shareMs: 250,
  /** What a piece is taken to take before any has come, in ms; and what is left of what was measured with each piece. */
  firstIntervalMs: 500,
  memory: 0.9,
  /** A far machine is ahead that has so many times as many pieces as anybody near, and so many more. */
  ahead: { factor: 1.1, pieces: 1 },
  /** Pieces that are looked at in one go, for each peer: two million at once would hold everything up. */
  lookedAt: 10_000,
  /** Pieces with the same number modulo this have the same owner: to find the owners then costs little time and memory. */
  buckets: 1_024,
  /** How long near peers are waited for that deliver nothing, in ms … */
  patienceMs: 5 * SECOND,
  /** … or less than so many bytes in this time: what crosses a router may then well be faster. */
  leastBytes: 256 * KIB,
  /** Less than this in that time is next to nothing; and how many times as many pieces are then asked of far peers. */
  littleBytes: 64 * KIB,
  growth: 2,
  /** Where it is more than that, far peers are tried after so many times. */
  pauses: 6,
} as const;

/** `GET /reach`: peers of our kind find out for one another whether they are reached. */
export const REACH = {
  /** Questions of one address at once, and a second. */
  perAsker: { burst: 8, perSecond: 0.2 },
  /** Addresses whose questions are counted. */
  maxAskers: 1_000,
  /** Questions that are being answered at once, for all together. */
  maxUnderWay: 16,
  /** A machine on a LAN that accepts connections does so in milliseconds. */
  dialTimeoutMs: 2 * SECOND,
  answerTimeoutMs: 5 * SECOND,
  maxAnswerBytes: 1 * KIB,
} as const;

/** What `peer doctor` looks at. */
export const DOCTOR = {
  /** Other machines that are asked. */
  maxNeighbours: 3,
  /** How long multicast of others is waited for, in ms: LSD delays answers by half a second. */
  multicastMs: 2 * SECOND,
  /** Clocks that differ by more than this are told, in ms. */
  clockMs: 60 * SECOND,
  /** Bytes that are written to measure the disk. */
  writtenBytes: 4 * MIB,
  /** A disk that writes fewer bytes a second is told: a link of 100 Mbit/s brings more. */
  slowDisk: 8 * MIB,
  /** Free bytes below which a disk is told, whatever is still to come. */
  leastFree: 16 * MIB,
  /** Files that are opened to see whether more connections can be made. */
  moreFiles: 64,
  /** Torrents that are looked at where none is named. */
  maxTorrents: 20,
  /** How long it is remembered that two machines claimed one endpoint. */
  doublesMs: 5 * MINUTE,
} as const;

/** Trackers of our kind that stand in for those of a torrent. */
export const SUCCESSION = {
  /** Successors of a torrent, each at another address: with three, a room may lose two machines at once. */
  count: 3,
  /**
   * How often the successors are told to connected peers where they have changed. While a room fills, each newcomer may
   * change them.
   */
  lookMs: 5 * SECOND,
  /** Messages that name trackers, accepted from one connection; we send far fewer. */
  accepted: { burst: 5, perSecond: 1 },
  /** How long an answer shows that a tracker is there: three of the longest intervals that we use with it. */
  answerHoldsMs: 90 * SECOND,
  /** How long a tracker that did not answer is passed over; it doubles each time. */
  outMs: 10 * SECOND,
  outMaxMs: 5 * MINUTE,
  /** Trackers of one torrent of which is remembered what came of asking them. */
  maxRemembered: 1_000,
} as const;

/** Announcing to trackers. */
export const ANNOUNCING = {
  timeoutMs: 10 * SECOND,
  /** How long we wait for a tracker's name to be resolved before we take it for another machine's name. */
  resolveTimeoutMs: 2 * SECOND,
  /** Announces under way to one tracker at once, for all torrents together; a LAN's tracker answers in milliseconds. */
  perTracker: 20,
  /** How long no torrent tries a tracker that was out of reach; less than a torrent's first pause after a failure. */
  outageMs: 2 * SECOND,
  /** How long stopping waits for `stopped` to reach the trackers. */
  stopTimeoutMs: 2 * SECOND,
  /** Tiers of a torrent that are used (one tracker of each tier gets announces), and trackers of one tier. */
  maxTiers: 50,
  maxTrackersPerTier: 50,
  /** URLs of one host that a torrent may name: enough for HTTP and UDP, other ports and a few paths. */
  maxUrlsPerHost: 8,
  /** Announces of one torrent to one host: one by HTTP and one by UDP at once, then one a second. */
  perHost: { burst: 2, perSecond: 1 },
  /** Pause between two first requests for URLs of one host that were not asked lately, for all torrents together. */
  newUrlPauseMs: 1 * SECOND,
  /** How many such requests may be made at once, and how many URLs of a host and how many hosts are remembered. */
  newUrlBurst: 4,
  urlsRemembered: 16,
  hostsRemembered: 1_000,
  /** First pause after a failure; it doubles each time, and up to a quarter is added at random. */
  retryMs: 3 * SECOND,
  retryMaxMs: 5 * MINUTE,
  /** The same for a tracker on the local network, which is missed as soon as it is back. */
  retryNearMaxMs: 20 * SECOND,
  /** Intervals below and above these are not believed. */
  minIntervalMs: 10 * SECOND,
  maxIntervalMs: 60 * MINUTE,
  /** Least time between two announces that the user asks for, however often that is. */
  againMs: 10 * SECOND,
  /** Largest reply read. */
  maxReplyBytes: 1 * MIB,
  /** Endpoints taken from one reply. */
  maxPeers: 500,
  /** Redirects followed. */
  maxRedirects: 3,
  /** How many addresses of one family are tried where a tracker's name stands for several … */
  maxAddresses: 16,
  /** … and how long we wait for one before we try the next one beside it: a LAN answers in milliseconds. */
  nextAddressMs: 1 * SECOND,
  /** A tracker with IPv4 and IPv6 addresses that answered by one family has this much time to answer by the other. */
  otherFamilyMs: 1 * SECOND,
  /** When a datagram that a UDP tracker does not answer is sent again, counted from its first sending. */
  udpRetransmitMs: [1 * SECOND, 3 * SECOND, 7 * SECOND],
} as const;

/** The list of peers pushed by an embedded tracker. */
export const BROADCAST = {
  /** The first change goes out at once; later ones are collected for this long. */
  batchMs: 200,
  /** Endpoints in one message, sent or accepted. */
  maxEndpoints: 500,
  /** Broadcast messages accepted from one connection; we send five a second at most, and more are ignored. */
  accepted: { burst: 10, perSecond: 10 },
} as const;

/** Fetching and serving metadata (BEP 9). */
export const METADATA = {
  /** Largest info dictionary fetched: 800,000 pieces. The link may come from a stranger. */
  maxBytes: 16 * MIB,
  /** Parts asked of one peer at once. */
  requestsPerPeer: 4,
  /** A part that does not come within this time is asked of other peers too; a LAN answers in milliseconds. */
  answerMs: 250,
  /** A peer that does not answer within this time is left alone for a while. */
  requestTimeoutMs: 10 * SECOND,
  /** Bytes of incomplete metadata held in memory: peers may claim different lengths, and only one is right. */
  maxHeldBytes: 32 * MIB,
  /** First pause for a peer that rejected a request or did not answer it; it doubles each time. */
  retryMs: 2 * SECOND,
  retryMaxMs: 2 * MINUTE,
  /** Times the whole metadata is served to one connection; more requests are rejected. */
  servesPerPeer: 3,
} as const;

/** Peer exchange (BEP 11). */
export const PEX = {
  /** Time between two messages to one peer; BEP 11 allows one a minute. */
  intervalMs: 60 * SECOND,
  /** Endpoints added, and endpoints dropped, in one message sent (BEP 11: 50); as many are read of each list. */
  maxEndpoints: 50,
  /** Average time between the messages of one peer that are read: some clients send a little early. */
  receiveRefillMs: 45 * SECOND,
  /** Messages of one peer that are read at once: one may be delayed behind blocks until just before the next. */
  receiveBurst: 2,
  /** How often the program checks whether a message is due. */
  lookMs: 1 * SECOND,
} as const;

/** Local discovery (BEP 14). */
export const LOCAL_DISCOVERY = {
  /** The least time between two lists of what is announced, for each torrent in the process, in ms. */
  pauseMs: 0.1,
  /** Every torrent is announced this often, as BEP 14 says. */
  intervalMs: 5 * MINUTE,
  /** Average time between announces of one torrent (BEP 14: one a minute) … */
  refillMs: 60 * SECOND,
  /** … and how many announces may be saved up: the first one, and answers to newcomers that start together. */
  burst: 3,
  /** Announces for machines that want to know whether multicast arrives, all together, at once and a second. */
  forAskers: { burst: 5, perSecond: 0.2 },
  /** Longest random delay of an announce, so that a class that starts together does not answer all at once. */
  answerDelayMs: 500,
  /** A peer of a torrent that was silent for this long counts as a newcomer again: it missed two announces. */
  forgetMs: 11 * MINUTE,
  /** Peers remembered for one torrent; above this, newcomers are added to the swarm but get no answer. */
  maxRemembered: 1_000,
  /** How long an announce by IPv6 waits for one by IPv4 of the same process, in ms. */
  heldMs: 200,
  /** Up to this many torrents get a datagram each, which the oldest clients need (BEP 14). */
  maxSingly: 5,
  /** Datagrams read from one address in a second, and from all; more are dropped unread. */
  perSenderPerSecond: 50,
  perSecond: 500,
  /** How often the interfaces are listed, as they come and go. */
  rescanMs: 1_500,
  /** Interfaces used of each family. */
  maxInterfaces: 32,
  /** Routers a datagram may pass: LAN segments that forward multicast are few hops apart. */
  timeToLive: 4,
} as const;

/** Lookup hashes, where hosts of our kind find each other (`lib/swarm/fleet/README.md`). */
export const LOOKUP = {
  /** A connection that was silent for this long makes room for others when the process has too many. */
  inUseMs: 10 * SECOND,
  /** Lookups that were begun only because a stranger asked under their hash, open at once. */
  answering: 32,
  /** Such a lookup ends when it had no connection for this long. */
  idleMs: 30 * SECOND,
} as const;

/** Asking for what is shared, by a code or near by, and answering. */
export const SHARING = {
  /** Questions that are answered on one connection: an honest host asks once. */
  questions: { burst: 4, perSecond: 1 },
  /** Answers that are taken on one connection. */
  answers: { burst: 4, perSecond: 1 },
  /** Hosts whose answers to one question are kept: more than a room has. */
  hosts: 250,
  /** Torrents of all hosts in one list; a code leads to a few. */
  listed: 1_000,
  /** Torrents under one code that one host may name: two clash by chance once in 2^44. */
  perHost: 4,
  /** Torrents of which the metadata is fetched at once, to find out which answers are true. */
  fetches: 8,
  /** A host that has the metadata sends it in this time; then its torrent makes room for another one … */
  fetchMs: 3 * SECOND,
  /** … and after this time, where no host that named it can be connected. */
  connectMs: 1 * SECOND,
  /** How long to wait for hosts that answer, when none has … */
  patienceMs: 8 * SECOND,
  /** … and for more of them after the last news. */
  settleMs: 500,
  /** Longest time for one question. */
  longestMs: 20 * SECOND,
  /** Questions of users under way at once. */
  atOnce: 16,
} as const;

/** Fleets: joining one, and being a member. */
export const FLEET = {
  /** How long an invitation holds. */
  invitationMs: 10 * MINUTE,
  /** Wrong guesses that end an invitation: each has a chance of 1 in 2^33. */
  guesses: 3,
  /** Exchanges that a lead begins; each takes 20 ms, and all machines of a class may come at once. */
  tries: { burst: 40, perSecond: 5 },
  /** Hosts that one who joins asks at once, each for 20 ms: others that join are among them until they say so. */
  hostsAsked: 32,
  /** Hosts that he tries his words with, since any host may say that it is the lead. */
  hostsTried: 8,
  /** How long to look for the host that made an invitation where no host at all has come, and where some have, … */
  nobodyMs: 10 * SECOND,
  joinMs: 30 * SECOND,
  /** … and how long to go on after one has refused the words. */
  joinSettleMs: 3 * SECOND,
  /** Hosts that one invitation lets in at most, unless its maker says another number. */
  joiners: 1_000,
  /** Members that are remembered: more than a house has. */
  members: 1_000,
  /** How long one that is away is remembered, in ms: longer than holidays. */
  rememberedMs: 90 * 24 * 60 * MINUTE,
  /** How long a host that leaves a fleet waits until the others have heard of it, in ms. */
  farewellMs: 2 * SECOND,
  /** Leads that a member obeys at most. */
  leads: 16,
  /** How long an offer holds, and the longest time that one may, in seconds. */
  offerS: 7 * 24 * 3_600,
  offerLongestS: 31 * 24 * 3_600,
  /** How long one that has expired is kept, in seconds: as long as clocks may differ and a replay could be news. */
  expiredKeptS: 24 * 3_600,
  /** Offers of one lead that hold at a time. */
  offersOfLead: 100,
  /** Offers that a member fetches at a time; others wait. */
  fetched: 4,
  /** How often a member that was full or busy looks again, in ms. */
  lookAgainMs: 10 * SECOND,
  /** Messages read from one address, each 0.2 ms: all that hold at once, and then few. */
  messages: { burst: 2_000, perSecond: 50 },
  /** Signatures looked at for one address, each 0.15 ms. */
  checks: { burst: 1_000, perSecond: 20 },
} as const;

/** The address filter. */
export const IP_FILTER = {
  /** Largest file read: common block lists of 400,000 ranges are below 30 MB. */
  maxFileBytes: 128 * MIB,
  /** Longest line read, in characters: names in lists are shorter. */
  maxLineLength: 1_000,
  /** Malformed lines that are reported by number; others are only counted. */
  maxReported: 5,
} as const;

/** Web seeds (BEP 17 and 19). */
export const WEB_SEED = {
  /** Web seeds used for one torrent at a time, beside the download sources among its peers. */
  perTorrent: 4,
  /** Web seeds that take turns, as each makes room while it pauses; where one is given up, the next one joins them. */
  takingTurns: 16,
  /** Bytes asked for in one request at most: other sources may take over the last part of a longer range. */
  maxRangeBytes: 16 * MIB,
  /** Bytes read before they are handed on. */
  readBytes: 256 * KIB,
  /** Unwanted bytes of a reply that are read to reach the wanted ones; behind a larger gap, a new request is made. */
  maxSkippedBytes: 256 * KIB,
  /** A reply that ends too early counts as failed when it brought less than this. */
  minAnswerBytes: 1 * KIB,
  /** A server that lacks this many files, and has delivered nothing yet, is given up. */
  maxLackedFiles: 100,
  /** The same for pieces: they come from one address, which is likely to be wrong where the first ones are not there. */
  maxLackedPieces: 3,
  /** Files or pieces lacking on a server that are reported one by one. */
  maxToldParts: 3,
  /** Redirects followed for one request. */
  maxRedirects: 5,
  /** Servers to which connections are kept open, where one web seed redirects to several. */
  maxServers: 16,
  /** A server that sends nothing for this long has failed. */
  stallTimeoutMs: 20 * SECOND,
  /** Pause after a failure that may be temporary; it doubles each time. */
  retryMs: 5 * SECOND,
  retryMaxMs: 10 * MINUTE,
} as const;

/** The HTTP interface for the command line, the page and programs. */
export const API = {
  /** Longest request line and headers accepted, in bytes. */
  maxRequestBytes: 16 * KIB,
  /** Largest body of a request that may carry a torrent; that of a torrent with 800,000 pieces. */
  maxTorrentBytes: 16 * MIB,
  /** Largest body of any other request. */
  maxOrderBytes: 1 * MIB,
  /** JSON of a request: it is five levels deep at most, and 100,000 numbers take the parser 10 ms. */
  bodies: { maxDepth: 32, maxValues: 100_000 },
  /** All bodies under way together: a few torrents at once. */
  maxBodyBytes: 64 * MIB,
  /** Connections open at once: pages and tools on a few machines. */
  maxConnections: 200,
  /** Time for a request to arrive whole, and for each part of its answer to be read. */
  requestTimeoutMs: 15 * SECOND,
  /** Readers of events at once. */
  maxReaders: 64,
  /** Files and folders that are read at once to be shared: each is read on all cores. */
  sharesUnderWay: 4,
  /** Shares that are told, those under way among them. */
  sharesKept: 20,
  /** Entries of a folder that are told: nobody looks through more. */
  entriesShown: 1_000,
  /** Time between two deltas. */
  deltaMs: 1 * SECOND,
  /** Deltas kept for readers that come back, and their bytes together: 1,000 busy torrents make 100 KB a second. */
  deltasKept: 1_000,
  deltaBytesKept: 8 * MIB,
  /** Events that one delta tells; of more, only the number is told. */
  eventsPerDelta: 200,
  /** The latest events kept for those who ask what has happened: some minutes of a lively swarm. */
  eventsKept: 1_000,
  /** Parts of a message that are written at once: a reader that does not read holds no more. */
  writeBytes: 64 * KIB,
  /** An answer that is longer is sent part by part, since it would be copied whole else. */
  wholeBytes: 1024 * KIB,
  /** A reader for whom there is no news gets a sign of life after this time; proxies wait for a minute. */
  signOfLifeMs: 15 * SECOND,
  /** Wrong passwords that one address may send before it has to wait, first 1 s, then twice as long each time, … */
  freeFailures: 10,
  firstWaitMs: 1 * SECOND,
  maxWaitMs: 5 * MINUTE,
  /** … and how many addresses are remembered with their failures, and for how long. */
  failuresRemembered: 1_000,
  failureMemoryMs: 60 * MINUTE,
  /** Longest path of a Unix socket: systems allow 104 to 108 bytes. */
  maxSocketPath: 100,
} as const;

/** Transmission's RPC, which other programs steer the process by. */
export const RPC = {
  /** The version of Transmission's protocol that the JSON-RPC dialect follows: that of Transmission 4.1.0. */
  semver: "6.0.0",
  /** Random bytes of a session id, which nobody can guess. */
  sessionIdBytes: 24,
  /** Requests are five levels deep at most. */
  maxDepth: 32,
  /** Values in a request: 100,000 numbers take the parser 10 ms. */
  maxValues: 100_000,
  /** Requests in one list; programs send a few. */
  maxBatch: 100,
  /** An answer that is shorter fits into one packet anyway. */
  compressFromBytes: 1 * KIB,
  /** How long a change of a torrent, or its removal, is told to clients that ask for the recent ones. */
  recentMs: 1 * MINUTE,
} as const;

/** Period of the clock behind every timeout and periodic job: an unused upload slot stays idle no longer than this. */
export const TICK_MS = 100;
