/**
 * A program that only seems to run: it serves the page and answers the API with numbers that a test chooses, so that the
 * page can be seen in states that a real room rarely has.
 */
import { GUARDS } from "../../lib/api/service.ts";
import { PAGES } from "../../lib/web/pages.ts";
import type { FleetView, HostView, ShareView, State, TorrentSummary } from "../../lib/api/shapes.ts";
import { hostView, processSummary, torrentSummary } from "../harness/sessions/api_shapes.ts";

/** Everything that the page may ask for. */
export interface Scene {
  readonly state: State;
  /** By info-hash; none where it is left out. */
  readonly hosts?: Readonly<Record<string, readonly HostView[]>>;
  /** Answers of `GET /api/v1/torrents/HASH/WHAT` by `WHAT`, for every torrent. */
  readonly parts?: Readonly<Record<string, unknown>>;
  /** The fleet that the host is a member of. */
  readonly fleet?: FleetView["fleet"];
  /** Answers to orders that are none, such as a look into a folder, by their path below `/api/v1/`. */
  readonly looks?: Readonly<Record<string, unknown>>;
  /** What is being read to be shared, and what was shared. */
  readonly shares?: readonly ShareView[];
  /** Refuses everybody without a password. */
  readonly isLocked?: boolean;
}

/** What the page wants the program to do: a path below `/api/v1/`, and the body. */
export interface Order {
  readonly path: string;
  readonly body: unknown;
}

/** The fake program. Orders are told to `nextOrder`, and answered as taken. */
export class FakeProgram {
  readonly #waiting: ((order: Order) => void)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #sequence = 1;

  constructor(public scene: Scene, port = 0) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen() {} },
      (request) => this.#answer(request),
    );
  }

  /** The address of the page. */
  get address(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** The next order after this call. */
  nextOrder(): Promise<Order> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends a merge patch (RFC 7396) of the state to every page that is open. */
  send(patch: unknown, log: readonly unknown[] = []): void {
    const message = { sequence: ++this.#sequence, time: Date.now(), patch, log };
    for (const reader of this.#readers) reader.enqueue(encodeEvent("delta", message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) reader.close();
    this.#readers.clear();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const page = PAGES.get(pathname);
    if (page !== undefined) {
      return new Response(page.text, {
        headers: [...GUARDS.map(([...each]) => each), ["Content-Type", page.type]],
      });
    }
    if (this.scene.isLocked && !request.headers.has("Authorization")) {
      return problem(401, "Expected a password");
    }
    if (request.method === "POST") {
      const text = await request.text();
      const path = pathname.replace("/api/v1/", "");
      const look = this.scene.looks?.[path];
      if (look !== undefined) return Response.json(look);
      const isJson = request.headers.get("Content-Type") === "application/json";
      this.#waiting.shift()?.({ path, body: isJson ? JSON.parse(text) : text });
      if (path === "shares") return Response.json({ id: 1 }, { status: 201 });
      const [first] = Object.values(this.scene.state.torrents);
      return Response.json({ infoHash: first?.infoHash, name: first?.name, isNew: true });
    }
    if (pathname === "/api/v1/events") return this.#events();
    if (pathname === "/api/v1/fleet") {
      return Response.json({ self: { name: "here" }, fleet: this.scene.fleet });
    }
    if (pathname === "/api/v1/shares") return Response.json({ shares: this.scene.shares ?? [] });
    const [, infoHash, part = ""] = /^\/api\/v1\/torrents\/(\w+)\/?(\w*)$/.exec(pathname) ?? [];
    if (infoHash === undefined) return problem(404, "Expected a path of the API");
    if (part === "hosts") return Response.json({ hosts: this.scene.hosts?.[infoHash] ?? [] });
    return Response.json(this.scene.parts?.[part] ?? {});
  }

  #events(): Response {
    let reader: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        reader = controller;
        this.#readers.add(controller);
        controller.enqueue(encodeEvent("state", { ...this.scene.state, sequence: this.#sequence }));
      },
      cancel: () => {
        this.#readers.delete(reader);
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}

function problem(status: number, detail: string): Response {
  return Response.json({ status, detail }, { status });
}

function encodeEvent(event: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`id: 1\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** A torrent in the middle of its download, with members of the test's choice. */
export function torrentState(number: number, members: Partial<TorrentSummary> = {}): TorrentSummary {
  return torrentSummary(number, "lecture.mp4", {
    length: 4.2 * GIB,
    pieceLength: 4 * MIB,
    pieces: 1076,
    have: 760,
    missing: 316,
    left: 316 * 4 * MIB,
    downloaded: 760 * 4 * MIB,
    uploaded: 900 * 4 * MIB,
    downloadRate: 24 * MIB,
    uploadRate: 31 * MIB,
    connections: 12,
    addedAt: Date.now() - 240_000,
    ...members,
  });
}

/** A state with these torrents. */
export function stateOf(...torrents: readonly TorrentSummary[]): State {
  return {
    sequence: 1,
    time: Date.now(),
    process: processSummary({
      trackerPort: 6969,
      downloadRate: torrents.reduce((sum, { downloadRate }) => sum + downloadRate, 0),
      uploadRate: torrents.reduce((sum, { uploadRate }) => sum + uploadRate, 0),
      connections: 12,
      startedAt: Date.now() - 300_000,
    }),
    torrents: Object.fromEntries(torrents.map((torrent) => [torrent.infoHash, torrent])),
  };
}

/** A room of so many hosts: most are done, a few are slow, gone, paused or failed, and one is another program. */
export function roomOf(count: number): HostView[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i): HostView => {
    const endpoint = `10.0.${i >> 8}.${(i & 255) + 1}:6881`;
    const name = i === 0 ? "lab-01" : `pc-${String(i).padStart(2, "0")}`;
    const host = hostView(endpoint, { name, firstSeenAt: now - 240_000 });
    if (i === 0) return { ...host, isSelf: true, isAnnouncer: true, doneAt: now - 240_000 };
    if (i % 10 === 7) {
      return {
        ...host,
        state: "downloading",
        part: 0.719,
        left: 1.2 * GIB,
        downloadRate: 8 * MIB,
        etaS: 150,
        slow: "its disk (writes 8 MiB/s)",
      };
    }
    if (i % 15 === 2) return { ...host, state: "gone", part: 0.3, left: 2.9 * GIB, goneSince: now - 120_000 };
    if (i % 30 === 9) return { ...host, state: "paused", part: 0.5, left: 2.1 * GIB };
    if (i % 30 === 13) return { ...host, state: "failed", part: 0.12, left: 3.7 * GIB, slow: "disk full" };
    if (i % 30 === 19) {
      return hostView(endpoint, {
        client: "aria2/1.36.0",
        state: "downloading",
        part: 0.91,
        left: 0.4 * GIB,
        downloadRate: 30 * MIB,
        etaS: 13,
      });
    }
    return { ...host, doneAt: now - 60_000 + i * 100 };
  });
}
