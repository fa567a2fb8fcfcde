import dgram from "node:dgram";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { canonicalAddress, type IpFamily, scopeOf } from "../../protocol/endpoint.ts";

/** One way out of this machine. */
interface Link {
  readonly name: string;
  /** Names the interface to the system: an address for IPv4, a zone for IPv6. */
  readonly selector: string;
}

/** A link that is in use. It has a socket of its own, since a socket sends by one interface only. */
interface OpenLink {
  readonly selector: string;
  sender: dgram.Socket;
  hasFailed: boolean;
}

/** What `MulticastGroup` needs to know. */
interface MulticastOptions {
  readonly family: IpFamily;
  /** Address of the group, and the port that all its members share. */
  readonly group: string;
  readonly port: number;
  /** Routers a datagram may pass. */
  readonly timeToLive: number;
  readonly maxInterfaces: number;
  readonly log: Logger;
  /** Lists the present interfaces: `Deno.networkInterfaces`, except in tests. */
  readonly networkInterfaces: () => Deno.NetworkInterfaceInfo[];
  /** Hears of each datagram. `address` is canonical, with a zone where it is link-local; `bytesView` is borrowed. */
  readonly received: (bytesView: Uint8Array, address: string) => void;
}

/**
 * Membership in one multicast group on every interface of this machine, for one family.
 *
 * The port is shared with other processes, and all of them hear one another. An interface that fails does not disturb
 * the others. The class uses `node:dgram`, since `Deno.listenDatagram` cannot choose the interface to send by.
 */
export class MulticastGroup {
  readonly #options: MulticastOptions;
  readonly #receiver: dgram.Socket;
  readonly #links = new Map<string, OpenLink>();

  private constructor(options: MulticastOptions, receiver: dgram.Socket) {
    this.#options = options;
    this.#receiver = receiver;
    receiver.on("message", (bytes, { address }) => {
      const sender = this.#senderOf(address);
      if (sender !== undefined) options.received(bytes, sender);
    });
  }

  /** Opens the port; `rescan` then joins the group. Rejects when the port or the family is not available. */
  static async open(options: MulticastOptions): Promise<MulticastGroup> {
    const any = options.family === 6 ? "::" : "0.0.0.0";
    return new MulticastGroup(options, await bind(options, any, options.port));
  }

  /**
   * Lists the interfaces again: joins on new ones, leaves those that are gone, reopens those that failed.
   * Returns whether one of them is new, or was away in between.
   */
  async rescan(): Promise<boolean> {
    const present = linksOf(this.#options);
    for (const [name, link] of this.#links) {
      if (present.some((now) => now.name === name && now.selector === link.selector)) continue;
      this.#links.delete(name);
      await close(link.sender);
      this.#leave(link.selector);
    }
    let hasNew = false;
    for (const { name, selector } of present) {
      // The system refuses to join twice. Where it does not, the interface was away and the membership was lost.
      const hasJoined = this.#join(selector);
      hasNew ||= hasJoined;
      const link = this.#links.get(name);
      if (link === undefined ? !hasJoined : !hasJoined && !link.hasFailed) continue;
      if (link !== undefined) await close(link.sender);
      this.#links.delete(name);
      await this.#open(name, selector);
    }
    return hasNew;
  }

  /** Sends to the group on every interface; `bytes` must not change afterwards. */
  send(bytes: Uint8Array): void {
    const { port, group, log } = this.#options;
    for (const [name, link] of this.#links) {
      link.sender.send(bytes, port, group, (error) => {
        if (error === null || link.hasFailed) return;
        link.hasFailed = true;
        log.debug(`Multicast to ${group} on ${name} failed: ${messageOf(error)}`);
      });
    }
  }

  /** Leaves the group and closes everything. */
  async close(): Promise<void> {
    const senders = [...this.#links.values()].map((link) => link.sender);
    this.#links.clear();
    await Promise.all([this.#receiver, ...senders].map(close));
  }

  async #open(name: string, selector: string): Promise<void> {
    const { family, log, group, timeToLive } = this.#options;
    let sender: dgram.Socket | undefined;
    try {
      sender = await bind(this.#options, family === 6 ? "::" : "0.0.0.0", 0);
      sender.setMulticastInterface(selector);
      sender.setMulticastTTL(timeToLive);
      sender.setMulticastLoopback(true);
      this.#links.set(name, { selector, sender, hasFailed: false });
    } catch (error) {
      if (sender !== undefined) await close(sender);
      this.#leave(selector);
      log.debug(`Multicast to ${group} on ${name} is not possible: ${messageOf(error)}`);
    }
  }

  #join(selector: string): boolean {
    try {
      this.#receiver.addMembership(this.#options.group, selector);
      return true;
    } catch {
      return false;
    }
  }

  #leave(selector: string): void {
    try {
      this.#receiver.dropMembership(this.#options.group, selector);
    } catch {
      // The membership went away together with its interface.
    }
  }

  /**
   * The canonical address of a sender. The system does not report the interface by which a datagram came, so the zone
   * of a link-local IPv6 address is known only while there is one interface; undefined otherwise.
   */
  #senderOf(text: string): string | undefined {
    const address = canonicalAddress(text);
    const needsZone = this.#options.family === 6 && address !== undefined && scopeOf(address) === "linkLocal";
    if (!needsZone) return address;
    const [zone, ...others] = this.#links.keys();
    return zone !== undefined && others.length === 0 ? `${address}%${zone}` : undefined;
  }
}

/** The links of one family: one for each interface, by its first address. */
function linksOf({ family, maxInterfaces, networkInterfaces }: MulticastOptions): Link[] {
  const links = new Map<string, Link>();
  for (const { name, address, scopeid, family: itsFamily } of networkInterfaces()) {
    if (itsFamily !== `IPv${family}` || links.has(name) || links.size >= maxInterfaces) continue;
    // Loopback carries no IPv6 multicast on Linux; processes of one machine meet over IPv4.
    if (family === 6 && (address === "::1" || scopeOf(address) !== "linkLocal")) continue;
    const zone = Deno.build.os === "windows" ? scopeid : name;
    links.set(name, { name, selector: family === 6 ? `::%${zone}` : address });
  }
  return [...links.values()];
}

function bind({ family, log }: MulticastOptions, address: string, port: number): Promise<dgram.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<dgram.Socket>();
  const socket = dgram.createSocket({ type: `udp${family}`, reuseAddr: true, ipv6Only: family === 6 });
  socket.once("error", reject);
  socket.bind(port, address, () => {
    socket.off("error", reject);
    socket.on("error", (error) => log.debug(`Multicast socket: ${error.message}`));
    resolve(socket);
  });
  return promise;
}

function close(socket: dgram.Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.close(() => resolve());
  return promise;
}
