/** Every tunable of the program: name, unit, value, and why that value. */
import type { MagnetLimits } from "./protocol/magnet.ts";
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
  // 200,000 files with paths of seven names.
  fileValues: 2_000_000,
  // Thousands of trackers.
  outerValues: 20_000,
  minPieceLength: 1 * KIB,
  // A piece is assembled in memory; INTERFACE.md promises 64 MiB in `create`, others use 128.
  maxPieceLength: 128 * MIB,
  bencode: { depth: 100, values: 3_000_000 },
};

/** What a magnet link may contain at most: what a shell passes on, and more trackers than anybody reaches. */
export const MAGNET_LIMITS: MagnetLimits = { characters: 64 * KIB, entries: 200 };

/** Ports (INTERFACE.md): the first one tried, and the last one tried when the user named none. */
export const PORTS = { peer: { first: 6881, last: 6889 }, tracker: { first: 6969, last: 6979 } } as const;

/** Whether connections between peers are encrypted (MSE): where it helps, always, or never. */
export const ENCRYPTION_POLICIES = ["prefer", "require", "off"] as const;
export type EncryptionPolicy = typeof ENCRYPTION_POLICIES[number];

/** Connections and how long we are patient. */
export const CONNECTIONS = {
  /** Open connections of one torrent, dialled or accepted. A class of 100 fits, and its sockets fit in 1024 descriptors. */
  perTorrent: 120,
  /** Open connections of the whole process, half-open ones included. */
  perProcess: 800,
  /** Of these, what is left to those who come to us: we dial no more when there is less. */
  keptForNewcomers: 200,
  /** Connections from one address to one torrent: a class room behind NAT, but not everybody. */
  perAddress: 64,
  /** Connections a torrent opens by itself; the rest of `perTorrent` is left for those who come to us. */
  dialled: 60,
  /** Connections a torrent may open by itself, however many came to it. */
  leastDialled: 10,
  /** Dials under way at once in the whole process, until their handshake is over. */
  dialling: 32,
  /** A dial that takes longer gives way while others wait: whoever means it answers in a moment. */
  dialPatienceMs: 1 * SECOND,
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
  /**
   * How long a seeder waits for a peer it heard of before it dials it. Our own kind comes within milliseconds; others
   * hear of us minutes later, or cannot reach us, but we them.
   */
  seederPatienceMs: 1 * SECOND,
  /** First pause after a dial that failed or was refused; doubled each time. A LAN's peers are back within a moment. */
  redialMs: 500,
  /** Pause after a connection that had come to something ended. */
  reconnectMs: 3 * SECOND,
  redialMaxMs: 5 * MINUTE,
  /** An endpoint that others name again and again is dialled this often at most for that: names are easily forged. */
  retoldMs: 30 * SECOND,
  /** Endpoints remembered for one torrent. */
  knownPeers: 2_000,
  /** Of these, endpoints that one address told of and that nobody has reached yet: more than we ever connect to. */
  knownPerTeller: 500,
  /** The same for all that speak up by multicast together, as they can lie about their address: more than on any LAN. */
  knownFromLsd: 500,
  /** How often it is told that other peers are known, with the names of all: that are 40 KB, and others bring it about. */
  peerNews: { burst: 20, perSecond: 5 },
  /** Banned endpoints, peers and addresses remembered for one torrent, and endpoints found to be ourselves. */
  maxBans: 2_000,
  /**
   * When both sides dialled and the other is not of our kind, both connections live this long: it may close either of
   * them, at once or after it has looked at both.
   */
  twinTrialMs: 2 * SECOND,
  /** A connection silent for this long gives way to a new one with the same peer at the same address. */
  silentTwinMs: 2 * SECOND,
  /** A connection that owes us blocks and is silent for this long is closed when its peer speaks at another address. */
  deadTwinMs: 5 * SECOND,
  /** When there are too many connections, one that said nothing for this long after its handshake goes first. */
  speechlessMs: 2 * SECOND,
  /** Sources of one torrent whose bytes are counted one by one: all of a school; who changes its name is no more. */
  countedSources: 1_000,
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
  /** Copies of the whole torrent that one connection may take; who wants more wants our bandwidth. */
  maxCopies: 4,
  /** Longest block we serve. BEP 3 clients ask for 16 KiB; 128 KiB is what old ones may ask. */
  maxRequestBytes: 128 * KIB,
  /** Requests we accept from one peer at once, told as `reqq`: 1 GB/s needs about 250 in 4 ms, others ask up to 2,000. */
  maxQueuedRequests: 2_000,
  /** Receive buffer of a new connection; enough for what is not payload. */
  receiveBufferBytes: 16 * KIB,
  /** Receive buffer while we download: each read is a call into the runtime at a fixed price. */
  sourceReceiveBufferBytes: 256 * KIB,
  /** Send buffer, for one write to the socket: eight blocks of 16 KiB or the longest block we serve, headers included. */
  sendBufferBytes: 128 * KIB + 8 * 13,
  /** Idle send buffers kept. */
  sendBuffersKept: 8,
  /** How long news of a stored piece may wait for more: with 16 peers it halves the work of small links. */
  soonMs: 50,
  /** Idle receive buffers kept. */
  receiveBuffersKept: 8,
  /** Bytes of small messages that may wait for one peer; a peer that never reads is dropped above this. */
  maxQueuedMessageBytes: 4 * MIB,
  /** And for all peers together; above this, whoever has more than an equal share waiting is dropped. */
  maxBacklogBytes: 64 * MIB,
  /** Bytes of messages written at once to who holds no upload slot: such writes may hang in hundreds. */
  maxChokedSendBytes: 32 * KIB,
  /** Blocks kept asked-for at a source, at most: 16 MiB under way fill any LAN. */
  maxWindow: 1_024,
  /** What a remote without `reqq` lets wait; libtorrent and others assume 250. */
  defaultReqq: 250,
  /** Requests to begin with, before there is a rate: 256 KiB, the better part of a small file. */
  firstWindow: 16,
  /** A request unanswered for this long, and for four windows' time, is asked again: some clients drop requests. */
  requestTimeoutMs: 10 * SECOND,
  /** In endgame a source takes over blocks from those that are slower by more than this factor. */
  farFaster: 4,
  /** Suggested pieces remembered for one peer. */
  maxSuggestions: 256,
  /**
   * Messages of one peer that bring nothing: keep-alives, repetitions, requests that are refused. A whole queue of
   * requests may cross our choke; peers that trade small pieces say 40 times a second that they want something.
   */
  patience: { burst: 4_000, perSecond: 100 },
  /**
   * A bitfield with so many pieces that were not known is news (aria2 sends one for 20 and more). Any other costs as
   * much patience as other messages for so many pieces in it.
   */
  bitfield: { manyPieces: 16, piecesPerMessage: 1024 },
  /** Blocks nobody asked for that a peer may send before it is dropped. */
  maxUnwantedBlocks: 512,
  /**
   * The window covers this much time at the source's measured rate. A LAN's round trip is below 1 ms; the rest is slack
   * for an event loop that is busy. More of it, and sixteen receivers need a tenth longer: a block that waits at one
   * source cannot come from another.
   */
  windowMs: 20,
  /** And so many blocks more: the least there is, and what makes a window grow that is itself the limit. */
  windowGrowth: 4,
  /** Length of the rolling window over which all rates are measured. As BEP 3's reference client. */
  rateWindowMs: 20 * SECOND,
} as const;

/** Pieces for those who are choked (BEP 6 "allowed fast"). */
export const FAST = {
  /** Who has fewer pieces than this gets so many, or asks for so many; the number of BEP 6. */
  pieces: 10,
  /** Bytes of all of them together, when pieces are large; at least one piece. */
  bytes: 4 * MIB,
  /** How often a block is served on one connection; more requests are rejected. */
  servesPerBlock: 2,
  /** Pieces remembered that one peer lets us ask for. */
  maxAllowed: 64,
} as const;

/** Super-seeding (BEP 16). */
export const SUPER_SEEDING = {
  /** What one peer may have got from us and passed on to nobody, before it is given one piece at a time. */
  maxAloneBytes: 16 * MIB,
  /** A piece that was begun and did not arrive for this long is shown to others too. */
  patienceMs: 10 * SECOND,
  /** Pieces shown to a peer in one turn, once all are shown: 18 KB of messages. */
  piecesAtOnce: 2_000,
} as const;

/** Choosing peers. */
export const CHOKING = {
  uploadSlots: 4,
  downloadSources: 4,
  rechokeMs: 30 * SECOND,
  /** A source that owes blocks and sends none for this long loses its place; BEP 3 says 60 s, a LAN answers sooner. */
  snubbedAfterMs: 15 * SECOND,
  /** The same for one that has never sent any, while others wait for its place: some only pretend to have data. */
  unprovenAfterMs: 3 * SECOND,
  /** What a peer without a place still owes is asked of others when nothing comes for this long. */
  leftBlocksMs: 500,
  /** A peer that refuses a request although it unchokes us is asked again after this time, never in a tight loop. */
  rejectPauseMs: 1 * SECOND,
  /** A slot whose holder has not asked for anything yet goes to another at the first tick after this time. */
  unusedSlotMs: 190,
  /**
   * The same for a holder that has asked: what it was sent last may wait in the kernel for a few tenths of a second, and
   * only then it asks again.
   */
  idleSlotMs: 1 * SECOND,
  /** A slot whose holder takes nothing of what it asked for goes to another after this time; 128 KiB leave at once. */
  stalledSlotMs: 15 * SECOND,
  /** Peers that left their slot unused are passed over for this long while others want one. */
  idlePauseMs: 1 * SECOND,
  /** A peer connected for less than this counts as a newcomer in the lot for the optimistic place. */
  newcomerMs: 60 * SECOND,
  /** How many lots a newcomer holds against one of the others (BEP 3's reference client: 3). */
  newcomerLots: 3,
  /** Failed pieces whose blocks are remembered to find out who lied. */
  maxSuspectPieces: 64,
  /** Peers that gave us data and left, remembered in case it turns out to be wrong. */
  maxDeparted: 256,
  /** Bans from one address after which the whole address is banned: above it, it is no class room but an attack. */
  bansPerAddress: 3,
} as const;

/** Trials of those that wait for a place among the download sources. */
export const TRIALS = {
  /** How long a first trial takes at least, and how often that is doubled for one that was tried before. */
  firstMs: 90,
  doublings: 5,
  /** After this time a source is judged by what it brought lately, in the last second or two. */
  lateMs: 2 * SECOND,
  /** How long nobody is tried again, and by how much more after each further trial. */
  pauseMs: 2 * SECOND,
  pauseGrowth: 4,
  /** How long an invited peer may take to unchoke us: a LAN's round trip, and a busy machine. */
  invitationMs: 300,
  /** Bytes that trials may cost before anything came, and the part of what comes that they may cost. */
  firstCredit: 256 * KIB,
  costShare: 1 / 16,
  /** Bytes per second of a place in which somebody is tried again. */
  poorWorth: 64 * KIB,
  /** How many times as much as a source brings must one have brought that takes its place back. */
  muchBetter: 2,
} as const;

/** By what a peer is known that wants our uplink more than our data. */
export const GREED = {
  /** Blocks that it asked for again, beyond which it counts as greedy, … */
  repeatedBlocks: 4,
  /** … if they are more than this part of all: a corrupt piece, or a request that got lost, makes nobody greedy. */
  repeatedShare: 1 / 32,
  /** Bytes and pieces sent to a peer that tells of no piece meanwhile: others fetch a few pieces side by side, … */
  undigestedBytes: 256 * KIB,
  undigestedPieces: 2,
  /** … and tell of what they have got some hundredths of a second after it has left us. */
  digestMs: 500,
} as const;

/** Disk. */
export const STORAGE = {
  /** Bytes verified and written at once; above this we stop reading from sockets. */
  maxCommitBytes: 32 * MIB,
  /** The main thread commits pieces of so many bytes at most, while the process has fewer cores in use on average, … */
  mainThread: { maxBytes: 4 * MIB, maxCores: 0.85, sampleMs: 200 },
  /** … and while no disk holds it up: not within `pauseMs` after a slow commit, and not before so many were quick. */
  patience: { slowCommitMs: 50, pauseMs: 30 * SECOND, quickCommits: 16 },
  /** Bytes of pieces that are under way, over all sources of one torrent; at least a piece per source. */
  maxActiveBytes: 64 * MIB,
  /** Files kept open. Common systems allow 1,024 descriptors, sockets need some. */
  openFiles: 128,
  /** The same for each disk worker: few, since a worker does not notice when the others lack descriptors. */
  workerOpenFiles: 16,
  /**
   * How often an operation is tried while there is no descriptor for it or another program holds the file, in all for
   * half a minute: peers time out within it. A virus scanner lets go soon, so the pauses double from the first one on.
   */
  busyTries: 34,
  firstBusyPauseMs: 50,
  busyPauseMs: 1 * SECOND,
  /** Disk workers that check data at once, where there are so many cores; more only make a disk seek. */
  checkWorkers: 8,
  /** Pieces are handed to a checking worker in batches of about this many bytes, to spare messages. */
  checkBatchBytes: 4 * MIB,
  /** Read and hashed at once while checking: small enough for the processor's cache. */
  hashReadBytes: 256 * KIB,
  /** How often written pieces are noted in KV. */
  noteWrittenMs: 1 * SECOND,
  /** How often files are synced and stored pieces noted in KV. */
  syncMs: 5 * SECOND,
  /** How often the resume state takes totals and known peers. */
  noteTotalsMs: 10 * SECOND,
  /** Globs, and ranges of files, of one kind that are kept for a torrent: more than anybody types. */
  keptGlobs: 1_000,
  /** How often files in `shareable/` that nobody reads are looked at for changes; 1,000 torrents cost 100 looks a second. */
  lookMs: 10 * SECOND,
  /** Files of one torrent in one such look. What is read is looked at every second. */
  filesPerLook: 8,
  /** How long files are left alone after a change was noticed: whoever makes it may be writing still. */
  settleMs: 2 * SECOND,
  /** Work on large torrents gives way to everything else after this time; a tracker's answer may wait so long. */
  sliceMs: 8,
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
  /** A peer of our own kind that is silent for this many intervals has left. */
  silentIntervals: 2.5,
  /**
   * Any other peer that is silent for this long has left. Others do not come as often as they are asked to: libtorrent,
   * qBittorrent and Deluge every 5 minutes at most, rTorrent every 10. They may miss one announce, and be late.
   */
  strangersSilenceMs: 25 * MINUTE,
  /** Peers in one reply unless the client asks for fewer. */
  defaultNumwant: 50,
  maxNumwant: 200,
  /** With the open tracker, info-hashes remembered. */
  maxInfoHashes: 10_000,
  maxPeersPerInfoHash: 10_000,
  /** All peers of all info-hashes: about 350 bytes each. */
  maxPeers: 100_000,
  /** Peers one address may announce for one info-hash: a class room behind NAT. */
  maxPeersPerAddress: 256,
  /** News of one info-hash from one address: two class rooms at once, and then as many as leave when they fall silent. */
  newsPerSource: { burst: 512, perSecond: 4 },
  /** Sources whose news are counted. */
  maxNewsSources: 4_096,
  /** Ports that a peer may claim at another address than it came from: below are the services of a system. */
  minClaimedPort: 1_024,
  /** Longest request line and headers accepted, in bytes. */
  maxRequestBytes: 16 * KIB,
  /** Announces have no body. */
  maxBodyBytes: 0,
  /** HTTP connections open at once: an announce needs one for milliseconds. */
  maxConnections: 1_000,
  /** A request must have come whole, and its answer have been taken, within this time; an idle connection ends then. */
  requestTimeoutMs: 15 * SECOND,
  /** Info-hashes in one scrape. */
  maxScrape: 100,
  /** How often this machine's addresses are looked at, as UDP listens on each; clients ask again after a few seconds. */
  rescanMs: 1_500,
  /** Addresses that UDP listens on: each takes a descriptor, and hosts of containers have dozens. */
  maxUdpAddresses: 64,
} as const;

/** Announcing to trackers. */
export const ANNOUNCING = {
  timeoutMs: 10 * SECOND,
  /** How long we wait for a tracker's name to be resolved before we take it for somebody else. */
  resolveTimeoutMs: 2 * SECOND,
  /** Announces under way to one tracker at once, for all torrents together; a LAN's tracker answers in milliseconds. */
  perTracker: 20,
  /** A tracker out of reach is not tried for this long, for whatever torrent; less than the first retry of one alone. */
  outageMs: 2 * SECOND,
  /** How long stopping waits for `stopped` to reach the trackers. */
  stopTimeoutMs: 2 * SECOND,
  /** Tiers of a torrent that are used, each a tracker that is announced to beside the others, and trackers of a tier. */
  maxTiers: 50,
  maxTrackersPerTier: 50,
  /** URLs of one host that a torrent may name: by HTTP and UDP, by other ports, and at a few paths. */
  maxUrlsPerHost: 8,
  /** Announces of one torrent to one host: by HTTP and by UDP at once, then one a second. */
  perHost: { burst: 2, perSecond: 1 },
  /** For all torrents together, how often a host is asked at a URL that it has not been asked at lately … */
  newUrlPauseMs: 1 * SECOND,
  /** … and how many such URLs at once; so many of a host and so many hosts are remembered. */
  newUrlBurst: 4,
  urlsRemembered: 16,
  hostsRemembered: 1_000,
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
  /** Redirects followed. */
  maxRedirects: 3,
  /** Addresses of one family that a tracker's name stands for, of those that are tried … */
  maxAddresses: 16,
  /** … and when the next one is tried beside one that does not answer: a LAN answers in milliseconds. */
  nextAddressMs: 1 * SECOND,
  /** A tracker with IPv4 and IPv6 that answered by one of them has this much time to answer by the other. */
  otherFamilyMs: 1 * SECOND,
  /** When a datagram that a UDP tracker does not answer is sent again, counted from the first time. */
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
  /** Largest info dictionary fetched: 800,000 pieces. A link is a promise of somebody we do not know. */
  maxBytes: 16 * MIB,
  /** Parts asked of one peer at once. */
  requestsPerPeer: 4,
  /** A part that does not come within this time is asked of others too; a LAN answers in milliseconds. */
  answerMs: 250,
  /** A peer that does not answer within this time is left alone for a while. */
  requestTimeoutMs: 10 * SECOND,
  /** Bytes held of metadata that is not whole: peers may offer different lengths, and only one is right. */
  maxHeldBytes: 32 * MIB,
  /** First pause for a peer that rejected or did not answer; doubled each time. */
  retryMs: 2 * SECOND,
  retryMaxMs: 2 * MINUTE,
  /** Times the whole metadata is served to one connection; more requests are rejected. */
  servesPerPeer: 3,
} as const;

/** Peer exchange (BEP 11). */
export const PEX = {
  /** Between two messages to one peer; BEP 11: at most one a minute. */
  intervalMs: 60 * SECOND,
  /** Endpoints added, and endpoints dropped, in one message sent (BEP 11: 50); as many are read of each list. */
  maxEndpoints: 50,
  /** So many messages of one peer are read on average, as some clients are a little early, … */
  receiveRefillMs: 45 * SECOND,
  /** … and so many at once: one may have waited behind blocks on a slow link, and come just before the next. */
  receiveBurst: 2,
  /** How often it is looked whether somebody must be told something. */
  lookMs: 1 * SECOND,
} as const;

/** Local discovery (BEP 14). */
export const LOCAL_DISCOVERY = {
  /** Every torrent is announced this often, as BEP 14 says. */
  intervalMs: 5 * MINUTE,
  /** Announces of one torrent on average (BEP 14: one a minute) … */
  refillMs: 60 * SECOND,
  /** … and how many may be saved up: the first one, and answers to newcomers that switch on together. */
  burst: 3,
  /** Announces are held back this long, at random, so that a class that switches on does not answer as one. */
  answerDelayMs: 500,
  /** A peer of a torrent that was silent this long is a newcomer again: it missed two announces. */
  forgetMs: 11 * MINUTE,
  /** Peers remembered for one torrent; above this nobody is answered, only heard. */
  maxRemembered: 1_000,
  /** With up to this many torrents each has a datagram of its own, which the oldest clients need (BEP 14). */
  maxSingly: 5,
  /** Datagrams read from one address in a second, and from all; more are dropped unread. */
  perSenderPerSecond: 50,
  perSecond: 500,
  /** How often interfaces are looked at, for those that came and went. */
  rescanMs: 1_500,
  /** Interfaces used of each family. */
  maxInterfaces: 32,
  /** Routers a datagram may pass: LAN segments that forward multicast are few hops apart. */
  timeToLive: 4,
} as const;

/** The address filter. */
export const IP_FILTER = {
  /** Largest file read: common block lists of 400,000 ranges are below 30 MB. */
  maxFileBytes: 128 * MIB,
  /** Longest line read, in characters: names in lists are shorter. */
  maxLineLength: 1_000,
  /** Malformed lines told with their number; the others are counted only. */
  maxReported: 5,
} as const;

/** Web seeds (BEP 19). */
export const WEB_SEED = {
  /** Web seeds used of one torrent, beside the download sources among its peers. */
  perTorrent: 4,
  /** Bytes asked for in one request at most: other sources may take what comes late of more. */
  maxRangeBytes: 16 * MIB,
  /** Bytes read before they are handed on. */
  readBytes: 256 * KIB,
  /** Bytes of a reply that are read although nobody wants them, before another one is asked for what comes behind. */
  maxSkippedBytes: 256 * KIB,
  /** A reply that ends before its time has failed when it brought less than this. */
  minAnswerBytes: 1 * KIB,
  /** A server that lacks so many files, and gave nothing yet, is given up. */
  maxLackedFiles: 100,
  /** Files that a server lacks and that are told one by one. */
  maxToldFiles: 3,
  /** Redirects followed for one request. */
  maxRedirects: 5,
  /** Servers that connections are kept open to, of those that one web seed redirects to. */
  maxServers: 16,
  /** A server that sends nothing for this long has failed. */
  stallTimeoutMs: 20 * SECOND,
  /** Pause after a failure that may pass; doubled each time. */
  retryMs: 5 * SECOND,
  retryMaxMs: 10 * MINUTE,
} as const;

/** The slow clock behind every timeout and periodic job: an upload slot that nobody uses idles no longer than this. */
export const TICK_MS = 100;
