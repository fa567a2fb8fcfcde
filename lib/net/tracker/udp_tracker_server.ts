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
import { openOnFreePort, openOnHost } from "../addresses/free_port.ts";
import { remoteAddress } from "../addresses/own_addresses.ts";
import type { TrackerServer } from "./tracker_server.ts";

/** Where to listen and who answers. */
export interface UdpTrackerServerOptions {
  /** Address to listen on; undefined: all, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** The HTTP tracker's port, so that both are found under one; 0: any free one. */
  readonly port: number;
  readonly server: TrackerServer;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Longest request looked at: a scrape of 74 info-hashes (BEP 15) has 1,496 bytes. */
const MAX_REQUEST_LENGTH = 2048;

/** Failed datagrams in a row after which the server gives up. */
const MAX_FAILURES_IN_A_ROW = 100;

/** The embedded tracker's UDP side (BEP 15). Nobody gets more bytes than it sent before it proved its address. */
export class UdpTrackerServer {
  /** The port listened on. */
  readonly port: number;
  readonly #options: UdpTrackerServerOptions;
  readonly #sockets: readonly Deno.DatagramConn[];
  readonly #connectionIds = new ConnectionIds();

  /** Listens at once; `run` must follow, as it closes what was opened. Errors: `Error` "port N is in use". */
  constructor(options: UdpTrackerServerOptions) {
    this.#options = options;
    this.#sockets = openOnFreePort(
      options.port,
      PORTS.tracker,
      (port) =>
        openOnHost(
          options.host,
          port,
          (hostname, port) => Deno.listenDatagram({ transport: "udp", hostname, port }),
          portOf,
        ),
    );
    this.port = portOf(this.#sockets[0]);
  }

  /** Answers until `signal` aborts, then closes. */
  async run(signal: AbortSignal): Promise<void> {
    const close = () => this.#sockets.forEach((socket) => socket.close());
    if (signal.aborted) return close();
    signal.addEventListener("abort", close, { once: true });
    await Promise.all(this.#sockets.map((socket) => this.#serve(socket, signal)));
  }

  async #serve(socket: Deno.DatagramConn, signal: AbortSignal): Promise<void> {
    const buffer = new Uint8Array(MAX_REQUEST_LENGTH);
    let failures = 0;
    while (!signal.aborted) {
      try {
        const [datagram, from] = await socket.receive(buffer);
        const reply = this.#answer(datagram, remoteAddress((from as Deno.NetAddr).hostname));
        if (reply !== undefined) await socket.send(reply, from);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        // Now and then one is about a reply that could not be delivered; in a row they mean a broken socket.
        if (++failures > MAX_FAILURES_IN_A_ROW) throw error;
        this.#options.log.debug(`UDP tracker: ${messageOf(error)}`);
      }
    }
  }

  /** The reply to one datagram; undefined when it is none of ours. */
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

/** Connection ids without memory: a keyed hash of the address and the minute, good for that minute and the next. */
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

function portOf(socket: Deno.DatagramConn): number {
  return (socket.addr as Deno.NetAddr).port;
}
