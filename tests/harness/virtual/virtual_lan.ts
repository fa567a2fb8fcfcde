/**
 * A LAN in one process and in virtual time: hosts with real swarms, joined by wires of a given rate.
 *
 *   host A: swarm → queue → kernel's buffer of the connection → uplink (one packet at a time, connections in turn)
 *           → downlink of B → MessageReader → swarm
 *
 * As with TCP, what the kernel has taken cannot be taken back, and a connection has only so much on the way: a full
 * downlink holds up those who send to it, and their uplinks serve others or idle.
 * Nothing waits for a clock: `run` steps from event to event, so minutes of swarm life take milliseconds, and the
 * same seed gives the same run.
 */
import { type Endpoint, formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { MessageReader } from "../../../lib/protocol/peer_messages.ts";
import { TRANSFER } from "../../../lib/settings.ts";
import { seededRandom } from "../data/random.ts";
import { Host, type HostOptions } from "./host.ts";
import { TorrentBytes } from "./shared_bytes.ts";
import { Uplinks } from "./uplinks.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { Wire } from "./wire.ts";

/** The LAN: hosts, virtual time and the events to come. */
export class VirtualLan {
  readonly #clock = new VirtualClock(1_000);
  readonly hosts: Host[] = [];
  readonly random: () => number;
  readonly #byName = new Map<string, Host>();
  /** Whether every host is checked after every event, not only itself at each of its ticks. */
  isStrict = false;
  /** Whether hosts check themselves and keep their events; very many hosts have no time and no room for it. */
  isChecked = true;
  /** Reads all messages, one after another. */
  readonly reader = new MessageReader(TRANSFER.maxMessageBytes);
  readonly uplinks = new Uplinks(this.#clock);
  /** Whether packets of one host reach another. */
  canReach: (from: Host, to: Host) => boolean = () => true;

  constructor(readonly metainfo: Metainfo, seed = 1, readonly sharedBytes = TorrentBytes.of(metainfo)) {
    this.random = seededRandom(seed);
  }

  add(options: HostOptions): Host {
    const host = new Host(this, this.hosts.length + 1, options);
    this.hosts.push(host);
    this.#byName.set(formatEndpoint(host.endpoint), host);
    return host;
  }

  hostAt(endpoint: Endpoint): Host | undefined {
    return this.#byName.get(formatEndpoint(endpoint));
  }

  /** Tells everybody about everybody. */
  introduceAll(): void {
    for (const host of this.hosts) {
      host.owner.addPeers(
        this.hosts.filter((other) => other !== host).map(({ endpoint }) => endpoint),
        "tracker",
      );
      host.dial();
    }
  }

  /** Connects two hosts; false when one of them refuses. */
  connect(from: Host, to: Host): boolean {
    const facts = (remote: Host, local: Host, isIncoming: boolean) => ({
      endpoint: isIncoming ? { ...remote.endpoint, port: 50_000 } : remote.endpoint,
      localAddress: local.endpoint.address,
      peerId: remote.peerId,
      isIncoming,
      isEncrypted: false,
      supportsFast: remote.speaksFast && local.speaksFast,
      supportsExtensions: true,
    });
    const [outgoing, incoming] = [facts(to, from, false), facts(from, to, true)];
    if (!this.canReach(from, to)) return false;
    if (to.owner.refusal(incoming) !== undefined || from.owner.refusal(outgoing) !== undefined) return false;
    const [a, b] = [new Wire(from), new Wire(to)];
    a.other = b;
    b.other = a;
    a.isFar = b.isFar = from.subnet !== to.subnet;
    from.connections.add(a);
    to.connections.add(b);
    b.peer = to.owner.peerConnected(incoming, b, this.now);
    a.peer = from.owner.peerConnected(outgoing, a, this.now);
    return true;
  }

  /** The present moment of virtual time, in ms. */
  get now(): number {
    return this.#clock.now;
  }

  /** Runs `job` after `ms` of virtual time; of jobs due together, the one asked for first comes first. */
  after(ms: number, job: () => void): void {
    this.#clock.after(ms, job);
  }

  /** Steps through time until `isDone`, for at most `limitMs` of virtual time; says whether it got there. */
  run(isDone: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs;
    while (!isDone()) {
      if (!this.#clock.step(end)) return false;
      if (this.isStrict) { for (const host of this.hosts) host.assertConsistent(); }
    }
    return true;
  }
}
