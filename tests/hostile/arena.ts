/** Where attacks are withstood: a seeder or a download under attack, and an honest peer beside it. */
import assert from "node:assert/strict";
import type { MessageReader } from "../../lib/protocol/peer_messages.ts";
import { RateLimiter } from "../../lib/net/peers/rate_limiter.ts";
import { LoopbackNode, ticking, until } from "../harness/sessions/loopback_node.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker, ATTACKER_ADDRESS, type Handshaking } from "./attacker.ts";

/** Who is attacked: somebody who gives to an honest peer, or somebody who gets from one. */
export type Side = "seeder" | "download";

/** One attack and what must come of it. */
export interface Attack {
  /** What the attacker does, as a sentence without its subject. */
  readonly name: string;
  /** Undefined: both. */
  readonly against?: Side;
  readonly handshake?: Handshaking;
  /** Whether it never reads what it is sent. */
  readonly isDeaf?: boolean;
  /** What it does after the handshake. */
  act?(attacker: Attacker, arena: Arena): void | Promise<void>;
  /** What it does about each message that it is sent. */
  hear?(attacker: Attacker, message: MessageReader): void | Promise<void>;
  /** Why it is refused or dropped, as the log tells it; undefined: it stays connected and gains nothing. */
  readonly droppedFor?: RegExp;
  /** What must be true afterwards besides. */
  after?(arena: Arena): void;
}

const PIECE_LENGTH = 32 * 1_024;
const DATA = randomBytes(1_024 * 1_024, 7);
/** The torrent of the arena: 32 pieces of two blocks. */
export const METAINFO = metainfoOf(DATA, PIECE_LENGTH);
/** So fast does the seeder give: the download takes a quarter of a second, so that it is under way meanwhile. */
const BYTES_PER_SECOND = 4 * 1_024 * 1_024;
/** Handshakes are given up sooner than usual. */
const HANDSHAKE_TIMEOUT_MS = 2_000;
/** How long a busy machine may take for what takes no time. */
const PATIENCE_MS = 30_000;

/** An attack on one side, under way. */
class Arena implements AsyncDisposable {
  readonly victim: LoopbackNode;
  readonly honest: LoopbackNode;
  readonly #leecher: LoopbackNode;
  readonly #time: Disposable;

  constructor(side: Side) {
    const uploadLimit = new RateLimiter(BYTES_PER_SECOND, () => performance.now());
    const changes = { handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS };
    const seeder = new LoopbackNode(METAINFO, DATA, { ...changes, id: 50, uploadLimit });
    this.#leecher = new LoopbackNode(METAINFO, null, { ...changes, id: 51 });
    [this.victim, this.honest] = side === "seeder" ? [seeder, this.#leecher] : [this.#leecher, seeder];
    this.#leecher.dial(seeder.listener.port);
    this.#time = ticking(this.victim, this.honest);
  }

  /** Reasons for which connections with the attacker ended, and those why there came none. */
  get reasonsForAttacker(): string[] {
    const closed = this.victim.events.flatMap((event) =>
      event.event === "disconnected" && event.peer.startsWith(ATTACKER_ADDRESS) ? [event.reason] : []
    );
    const refused = this.victim.log.filter((line) =>
      /no connection with|refused/.test(line) && line.includes(ATTACKER_ADDRESS)
    );
    return [...closed, ...refused];
  }

  /** Endpoints the victim knows, as it last told. */
  get known(): readonly string[] {
    const last = this.victim.events.findLast((event) => event.event === "peers");
    return last?.event === "peers" ? last.peers : [];
  }

  /** Waits until the attacker is gone for this reason. */
  async assertDropped(reason: RegExp): Promise<void> {
    const isGone = () => this.reasonsForAttacker.some((each) => reason.test(each));
    try {
      await until(isGone, "dropped", PATIENCE_MS);
    } catch {
      assert.fail(
        `Expected the attacker to be dropped for ${reason}, got ${this.reasonsForAttacker.join("; ")}`,
      );
    }
  }

  /** Waits until the honest download is done, and asserts that it is right and was never interrupted. */
  async assertHonestUnharmed(): Promise<void> {
    await until(() => this.#leecher.swarm.seeding, "the honest download", PATIENCE_MS);
    assert.deepEqual(this.#leecher.storage.data, DATA);
    const isHarm = (reason: string) => !/both have everything|it closed the connection/.test(reason);
    assert.deepEqual(this.honest.reasons.filter(isHarm), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#time[Symbol.dispose]();
    await Promise.all([this.victim, this.honest].map((node) => node[Symbol.asyncDispose]()));
  }
}

/** Carries out one attack in one variant and asserts what must come of it. */
export async function withstand(attack: Attack, side: Side, isEncrypted: boolean): Promise<void> {
  await using arena = new Arena(side);
  const how = { isEncrypted, ...attack.handshake };
  using attacker = await Attacker.connect(arena.victim.listener.port, METAINFO.infoHash, how);
  if (attack.isDeaf !== true) void attacker.listen((message) => attack.hear?.(attacker, message));
  await attack.act?.(attacker, arena);
  if (attack.droppedFor !== undefined) {
    await arena.assertDropped(attack.droppedFor);
    await arena.assertHonestUnharmed();
  } else {
    await arena.assertHonestUnharmed();
    assert(attacker.wasAnswered && !attacker.isDropped, arena.reasonsForAttacker.join("; "));
  }
  attack.after?.(arena);
}
