import { createHmac } from "node:crypto";
import { messageOf, ProtocolError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { familyOf } from "../../protocol/endpoint.ts";
import {
  CONNECTION_ID_LENGTH,
  encodeUdpAnnounceReply,
  encodeUdpConnectReply,
  encodeUdpError,
  encodeUdpScrapeReply,
  parseUdpRequest,
  UdpAction,
  type UdpRequest,
} from "../../protocol/tracker_udp_messages.ts";
import { PORTS, TRACKER } from "../../settings.ts";
import { openOnFreePort } from "../addresses/free_port.ts";
import { bindableAddresses, remoteAddress } from "../addresses/own_addresses.ts";
import type { TrackerServer } from "./tracker_server.ts";

/** Where the UDP side listens, and the server that answers. */
interface UdpTrackerServerOptions {
  /** Address to listen on; undefined stands for all, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** Lists the addresses of this machine that can be listened on; `bindableAddresses`, except in tests. */
  readonly ownAddresses?: () => string[];
  /** Port of the HTTP tracker, so that both have the same; 0 stands for any free port. */
  readonly port: number;
  readonly server: TrackerServer;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Longest request read, in bytes: a scrape of 74 info-hashes (BEP 15) has 1,496. */
const MAX_REQUEST_LENGTH = 2048;

/** Failed datagrams in a row after which a socket is closed; the next look at the addresses opens another. */
const MAX_FAILURES_IN_A_ROW = 100;

/**
 * The embedded tracker's UDP side (BEP 15). A client gets no more bytes than it sent until it has proved its address.
 *
 * Each address of this machine has a socket of its own: clients ignore an answer from an address that they did not ask,
 * and a socket for all addresses lets the system choose the address. Addresses come and go, so the server lists them
 * again and again.
 */
export class UdpTrackerServer {
  /** The port listened on. */
  readonly port: number;
  readonly #options: UdpTrackerServerOptions;
  /** The open sockets, by the address on which they listen. */
  readonly #sockets: Map<string, Deno.DatagramConn>;
  readonly #served = new Set<Promise<void>>();
  readonly #connectionIds = new ConnectionIds();

  /**
   * Listens at once; the caller must call `run`, which closes the sockets at its end. Errors: `AddrInUse` "port N is in
   * use", also when the port is busy at one address alone.
   */
  constructor(options: UdpTrackerServerOptions) {
    this.#options = options;
    this.#sockets = openOnFreePort(options.port, PORTS.tracker, (port) => openOnEach(this.#addresses, port));
    const [first] = this.#sockets.values();
    this.port = portOf(first);
  }

  /** Answers until `signal` aborts, then closes all sockets. */
  async run(signal: AbortSignal): Promise<void> {
    for (const [address, socket] of this.#sockets) this.#begin(address, socket);
    const looking = setInterval(() => this.#followAddresses(), TRACKER.rescanMs);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    clearInterval(looking);
    for (const address of [...this.#sockets.keys()]) this.#end(address);
    await Promise.all(this.#served);
  }

  get #addresses(): string[] {
    const { host, ownAddresses = bindableAddresses } = this.#options;
    return host === undefined ? ownAddresses().slice(0, TRACKER.maxUdpAddresses) : [host];
  }

  /** Opens sockets for new addresses, and closes those of addresses that are gone. */
  #followAddresses(): void {
    const addresses = this.#addresses;
    for (const address of [...this.#sockets.keys()]) if (!addresses.includes(address)) this.#end(address);
    for (const address of addresses) {
      if (this.#sockets.has(address)) continue;
      try {
        const socket = listen(address, this.port);
        this.#sockets.set(address, socket);
        this.#begin(address, socket);
      } catch (error) {
        this.#options.log.debug(`UDP tracker on ${address}: ${messageOf(error)}`);
      }
    }
  }

  #begin(address: string, socket: Deno.DatagramConn): void {
    const served = this.#serve(address, socket).finally(() => this.#served.delete(served));
    this.#served.add(served);
  }

  #end(address: string): void {
    this.#sockets.get(address)?.close();
    this.#sockets.delete(address);
  }

  /** Answers at one address until its socket is closed. Never rejects. */
  async #serve(address: string, socket: Deno.DatagramConn): Promise<void> {
    const { hostname: local } = socket.addr as Deno.NetAddr;
    const buffer = new Uint8Array(MAX_REQUEST_LENGTH);
    let failures = 0;
    while (this.#sockets.get(address) === socket) {
      try {
        const [datagram, from] = await socket.receive(buffer);
        const reply = this.#answer(datagram, remoteAddress((from as Deno.NetAddr).hostname, local));
        if (reply !== undefined) await socket.send(reply, from);
        failures = 0;
      } catch (error) {
        if (this.#sockets.get(address) !== socket) return;
        // A single failure may mean that a reply could not be delivered; many in a row mean a broken socket.
        this.#options.log.debug(`UDP tracker: ${messageOf(error)}`);
        if (++failures > MAX_FAILURES_IN_A_ROW) this.#end(address);
      }
    }
  }

  /** The reply to one datagram; undefined when it is no request to a tracker. */
  #answer(datagram: Uint8Array, address: string): Uint8Array | undefined {
    let request: UdpRequest;
    try {
      request = parseUdpRequest(datagram);
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
    const { transactionId } = request;
    const now = this.#options.now();
    if (request.action === UdpAction.connect) {
      return encodeUdpConnectReply(transactionId, this.#connectionIds.issue(address, now));
    }
    if (!this.#connectionIds.accepts(request.connectionId, address, now)) {
      return encodeUdpError(transactionId, "Stale connection id");
    }
    return request.action === UdpAction.announce
      ? this.#announce(request, address)
      : this.#scrape(request.infoHashes, transactionId);
  }

  #announce(
    { announce, transactionId }: Extract<UdpRequest, { action: typeof UdpAction.announce }>,
    address: string,
  ): Uint8Array {
    const reply = this.#options.server.announce(announce, address);
    if ("failureReason" in reply) return encodeUdpError(transactionId, reply.failureReason);
    return encodeUdpAnnounceReply(transactionId, reply, familyOf(address));
  }

  /** The reply has one entry for each info-hash asked for; those that are not tracked count zero. */
  #scrape(
    asked: Extract<UdpRequest, { action: typeof UdpAction.scrape }>["infoHashes"],
    transactionId: number,
  ): Uint8Array {
    const infoHashes = asked.slice(0, TRACKER.maxScrape);
    const known = this.#options.server.scrape(infoHashes);
    const none = { complete: 0, incomplete: 0, downloaded: 0 };
    return encodeUdpScrapeReply(transactionId, infoHashes.map((infoHash) => known.get(infoHash) ?? none));
  }
}

/** Connection ids without memory: a keyed hash of the address and the minute, valid for that minute and the next. */
class ConnectionIds {
  readonly #secret = crypto.getRandomValues(new Uint8Array(32));

  issue(address: string, now: number): Uint8Array {
    return this.#at(address, minuteOf(now));
  }

  accepts(connectionId: Uint8Array, address: string, now: number): boolean {
    const minute = minuteOf(now);
    return equalBytes(connectionId, this.#at(address, minute)) ||
      equalBytes(connectionId, this.#at(address, minute - 1));
  }

  #at(address: string, minute: number): Uint8Array {
    const digest = createHmac("sha256", this.#secret).update(`${minute} ${address}`).digest();
    return new Uint8Array(digest.buffer, digest.byteOffset, CONNECTION_ID_LENGTH);
  }
}

function minuteOf(now: number): number {
  return Math.floor(now / 60_000);
}

/**
 * Opens a socket on each address, on the same port; 0 stands for any free port. An address that cannot be listened on
 * is left out, such as one that the system is still checking. Errors: `AddrInUse` where the port is busy anywhere.
 */
function openOnEach(addresses: readonly string[], port: number): Map<string, Deno.DatagramConn> {
  const sockets = new Map<string, Deno.DatagramConn>();
  let failure: unknown = new Deno.errors.AddrNotAvailable("this machine has no address");
  for (const address of addresses) {
    const [first] = sockets.values();
    try {
      sockets.set(address, listen(address, first === undefined ? port : portOf(first)));
    } catch (error) {
      failure = error;
      if (!(error instanceof Deno.errors.AddrInUse)) continue;
      for (const socket of sockets.values()) socket.close();
      throw error;
    }
  }
  if (sockets.size === 0) throw failure;
  return sockets;
}

function listen(hostname: string, port: number): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port });
}

function portOf(socket: Deno.DatagramConn): number {
  return (socket.addr as Deno.NetAddr).port;
}
