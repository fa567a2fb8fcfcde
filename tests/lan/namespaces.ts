/**
 * A LAN inside one machine: every host is a network namespace with its own addresses, and all are joined by a bridge
 * in a namespace of its own. The machine's own network is not touched.
 *
 * ```
 *   host 0: eth0 10.99.0.1 ──┐
 *   host 1: eth0 10.99.0.2 ──┼── bridge (floods multicast)
 *   host 2: eth0 10.99.0.3 ──┘
 * ```
 *
 * Each host has an IPv6 address (`fd99::1`, …) and a link-local one (`fe80::1`, …) as well.
 *
 * With several subnets each has a bridge of its own, and a router joins them, which forwards no multicast:
 *
 * ```
 *   host 0: eth0 10.99.0.1 ──┬── bridge0 ── router ── bridge1 ──┬── host 2: eth0 10.99.1.3
 *   host 1: eth0 10.99.0.2 ──┘      10.99.0.254  10.99.1.254    └── host 3: eth0 10.99.1.4
 * ```
 *
 * Needs Linux, root and iproute2 (`ip`, `tc`).
 */

/** Namespaces are named after the process that made them, so that those of a killed one can be told and removed. */
const NAME_PREFIX = "peer-lan-";

/** Bytes each frame takes on a real wire beyond what the kernel counts: preamble, checksum and the gap after it. */
const WIRE_OVERHEAD_BYTES = 24;
/** A switch port's buffer: how long a frame may wait for its turn before it is dropped. */
const QUEUE_MS = 20;
/** Bytes let through in one go before the rate is enforced: few, as on a real link, but what a fast one carries in 1 ms. */
const burstBytes = (rateMbit: number) => Math.max(16 * 1024, rateMbit * 125);

/** Hosts are 10.99.0.1 and up, in one /24 for each subnet. */
const MAX_HOSTS = 250;
/** The last part of the router's addresses. */
const ROUTER = 254;

let lans = 0;

/** The subnets of a LAN, of which each has as many of the hosts, in order; a router joins them. */
export interface Subnets {
  readonly count: number;
  /** Mbit/s that go into each subnet from the others; undefined: all that the router can. */
  readonly rateMbit?: number;
}

/** A running LAN. Hosts are numbered from 0. Dispose of it, or call `close`, to remove everything. */
export class Lan implements AsyncDisposable {
  /** How many hosts there are. */
  readonly hosts: number;
  readonly #subnets: Subnets;
  readonly #name = `${NAME_PREFIX}${Deno.pid}-${lans++}`;
  readonly #children = new Set<Deno.ChildProcess>();

  private constructor(hosts: number, subnets: Subnets) {
    this.hosts = hosts;
    this.#subnets = subnets;
  }

  /** Why there can be no LAN on this machine, in one line; undefined when there can. */
  static unavailable(): string | undefined {
    if (Deno.build.os !== "linux") return `needs Linux, got ${Deno.build.os}`;
    if (Deno.uid() !== 0) return `needs root, got user id ${Deno.uid()}`;
    return undefined;
  }

  /**
   * Makes a LAN of `hosts` hosts; each one's link carries `rateMbit` Mbit/s each way, or all it can when undefined.
   *
   * What killed processes left behind is removed first.
   * Errors: `RangeError` for a wrong number of hosts, `Error` with the tool's own words when a step fails.
   */
  static async create(hosts: number, rateMbit?: number, subnets: Subnets = { count: 1 }): Promise<Lan> {
    if (!Number.isInteger(hosts) || hosts < 1 || hosts > MAX_HOSTS) {
      throw new RangeError(`Expected 1 to ${MAX_HOSTS} hosts, got ${hosts}`);
    }
    for (const namespace of abandonedNamespaces()) await removeAbandoned(namespace);
    const lan = new Lan(hosts, subnets);
    try {
      await lan.#build(rateMbit);
    } catch (error) {
      await lan.close();
      throw error;
    }
    return lan;
  }

  /** The IPv4 address of a host. */
  address(host: number): string {
    return `10.99.${this.#subnetOf(host)}.${this.#numberOf(host)}`;
  }

  /** The IPv6 address of a host that is good on the whole LAN. */
  address6(host: number): string {
    return `${prefix6(this.#subnetOf(host))}::${this.#numberOf(host).toString(16)}`;
  }

  /** The link-local address of a host, with the zone that another host knows it by. */
  linkLocalAddress(host: number): string {
    return `fe80::${this.#numberOf(host).toString(16)}%eth0`;
  }

  /** Bytes that the router has sent into a subnet, from all others. */
  async bytesInto(subnet: number): Promise<number> {
    const output = await run("ip", [
      "-netns",
      this.#bridgeNamespace,
      "-json",
      "-stats",
      "link",
      "show",
      bridgeOf(subnet),
    ]);
    return JSON.parse(output)[0].stats64.tx.bytes;
  }

  #subnetOf(host: number): number {
    return Math.floor((this.#numberOf(host) - 1) * this.#subnets.count / this.hosts);
  }

  #numberOf(host: number): number {
    if (!Number.isInteger(host) || host < 0 || host >= this.hosts) {
      throw new RangeError(`Expected a host from 0 to ${this.hosts - 1}, got ${host}`);
    }
    return host + 1;
  }

  /**
   * Starts a program on a host, as `Deno.Command` does.
   *
   * The process has the returned `pid`, so signals reach the program itself. It is killed by `close`.
   */
  spawn(host: number, command: string, args: string[], options: Deno.CommandOptions = {}): Deno.ChildProcess {
    const [ip, ...inNamespace] = this.commandLine(host, command);
    const child = new Deno.Command(ip, { ...options, args: [...inNamespace, ...args] }).spawn();
    this.#children.add(child);
    child.status.finally(() => this.#children.delete(child));
    return child;
  }

  /** The command line that starts a program on a host, whose own arguments may follow. */
  commandLine(host: number, command: string): [command: string, ...args: string[]] {
    return ["ip", "netns", "exec", this.#hostNamespace(host), command];
  }

  /** Pulls a host's cable out of the switch, or plugs it in again; the host keeps its addresses. */
  async setLink(host: number, isUp: boolean): Promise<void> {
    const state = isUp ? "up" : "down";
    await batch("ip", this.#bridgeNamespace, [`link set port${this.#numberOf(host) - 1} ${state}`]);
  }

  /** Lets multicast reach a host, or not, as behind a router that forwards none. IPv6 needs it to find its neighbours. */
  async setMulticast(host: number, isForwarded: boolean): Promise<void> {
    const port = `port${this.#numberOf(host) - 1}`;
    const state = isForwarded ? "on" : "off";
    await batch("ip", this.#bridgeNamespace, [`link set ${port} type bridge_slave mcast_flood ${state}`]);
  }

  /** Changes the rate of a host's link, each way, in Mbit/s. */
  async setRate(host: number, rateMbit: number): Promise<void> {
    const port = `port${this.#numberOf(host) - 1}`;
    const shape = shapeOf(rateMbit);
    await batch("tc", this.#hostNamespace(host), [`qdisc replace dev eth0 ${shape}`]);
    await batch("tc", this.#bridgeNamespace, [`qdisc replace dev ${port} ${shape}`]);
  }

  /** Kills what still runs on any host and removes the namespaces. */
  async close(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) kill(child.pid);
    await Promise.all(children.map((child) => child.status));
    for (const namespace of existingNamespaces()) {
      if (namespace.startsWith(`${this.#name}-`)) await removeNamespace(namespace);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #bridgeNamespace(): string {
    return `${this.#name}-bridge`;
  }

  #hostNamespace(host: number): string {
    return `${this.#name}-${this.address(host)}`;
  }

  /** Makes a bridge for each subnet, and a router where there are several. */
  async #buildSubnets(): Promise<void> {
    const { count, rateMbit } = this.#subnets;
    const bridge = this.#bridgeNamespace;
    for (let subnet = 0; subnet < count; subnet++) {
      const name = bridgeOf(subnet);
      await batch("ip", bridge, [`link add ${name} type bridge mcast_snooping 0`, `link set ${name} up`]);
      if (count === 1) return;
      await batch("ip", bridge, [
        `address add 10.99.${subnet}.${ROUTER}/24 dev ${name}`,
        `address add ${prefix6(subnet)}::${ROUTER.toString(16)}/64 dev ${name} nodad`,
      ]);
      if (rateMbit !== undefined) await batch("tc", bridge, [`qdisc add dev ${name} ${shapeOf(rateMbit)}`]);
    }
    const forwarding = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
    await run("ip", ["netns", "exec", bridge, "sysctl", "-qw", ...forwarding]);
  }

  /** Multicast and broadcast go nowhere without a route. */
  #routesOf(host: number): string[] {
    if (this.#subnets.count === 1) return ["route add default dev eth0"];
    const subnet = this.#subnetOf(host);
    return [
      `route add default via 10.99.${subnet}.${ROUTER}`,
      `route add default via ${prefix6(subnet)}::${ROUTER.toString(16)}`,
    ];
  }

  async #build(rateMbit: number | undefined): Promise<void> {
    const bridge = this.#bridgeNamespace;
    await run("ip", ["netns", "add", bridge]);
    await this.#buildSubnets();
    for (let host = 0; host < this.hosts; host++) {
      const namespace = this.#hostNamespace(host);
      const port = `port${host}`;
      await run("ip", ["netns", "add", namespace]);
      await batch("ip", bridge, [
        `link add ${port} type veth peer name eth0 netns ${namespace}`,
        `link set ${port} master ${bridgeOf(this.#subnetOf(host))} up`,
      ]);
      await batch("ip", namespace, [
        "link set lo up",
        `address add ${this.address(host)}/24 dev eth0`,
        // The system would make up a link-local address; without the search for duplicates ours are there at once.
        "link set eth0 addrgenmode none",
        `address add ${this.address6(host)}/64 dev eth0 nodad`,
        `address add ${this.linkLocalAddress(host).split("%")[0]}/64 dev eth0 nodad`,
        "link set eth0 up",
        ...this.#routesOf(host),
      ]);
      if (rateMbit === undefined) continue;
      const shape = shapeOf(rateMbit);
      await batch("tc", namespace, [`qdisc add dev eth0 ${shape}`]);
      await batch("tc", bridge, [`qdisc add dev ${port} ${shape}`]);
    }
  }
}

/** The name of a subnet's bridge; the router's interface in that subnet. */
function bridgeOf(subnet: number): string {
  return `bridge${subnet}`;
}

/** The first 64 bits of IPv6 addresses in a subnet. */
function prefix6(subnet: number): string {
  return subnet === 0 ? "fd99" : `fd99:0:0:${subnet}`;
}

/** A link's rate as `tc` takes it. */
function shapeOf(rateMbit: number): string {
  return `root tbf rate ${rateMbit}mbit burst ${burstBytes(rateMbit)} ` +
    `latency ${QUEUE_MS}ms overhead ${WIRE_OVERHEAD_BYTES}`;
}

/** Whether a name carries the id of a process that made LANs and is gone: of a namespace, or of a folder. */
export function isAbandoned(name: string): boolean {
  if (!name.startsWith(NAME_PREFIX)) return false;
  const pid = Number.parseInt(name.slice(NAME_PREFIX.length), 10);
  return Number.isInteger(pid) && !exists(`/proc/${pid}`);
}

/** The start of a name by which `isAbandoned` knows that this process made the thing. */
export function ownPrefix(): string {
  return `${NAME_PREFIX}${Deno.pid}-`;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function existingNamespaces(): string[] {
  return exists("/run/netns") ? [...Deno.readDirSync("/run/netns")].map((entry) => entry.name) : [];
}

function abandonedNamespaces(): string[] {
  return existingNamespaces().filter(isAbandoned);
}

/** Removes an abandoned namespace, unless somebody else who found it does so at the same time. */
async function removeAbandoned(namespace: string): Promise<void> {
  try {
    await removeNamespace(namespace);
  } catch (error) {
    if (existingNamespaces().includes(namespace)) throw error;
  }
}

/** Kills what runs in a namespace, grandchildren included, and removes it. */
async function removeNamespace(namespace: string): Promise<void> {
  const pids = await run("ip", ["netns", "pids", namespace]);
  for (const pid of pids.split("\n").filter(Boolean)) kill(Number(pid));
  await run("ip", ["netns", "delete", namespace]);
}

/** Kills a process that may have ended already. */
function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Runs several commands of `ip` or `tc` in a namespace, one a line, with one process. */
function batch(tool: "ip" | "tc", namespace: string, lines: string[]): Promise<string> {
  return run(tool, ["-netns", namespace, "-batch", "-"], lines.join("\n") + "\n");
}

/** Runs a program with `input` on its standard input, and returns its output. */
async function run(command: string, args: string[], input = ""): Promise<string> {
  const child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${text.decode(stderr).trim()}`);
  return text.decode(stdout);
}
