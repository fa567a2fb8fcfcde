/** Serves the program itself to machines that have none. */
import { isNear, ownAddressFor } from "../../net/addresses/own_addresses.ts";
import type { HttpReply, HttpService } from "../../net/http/http_server.ts";
import { formatEndpoint } from "../../protocol/endpoint.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import type { Share } from "../../protocol/share_messages.ts";
import { HAND_OUT } from "../../settings.ts";
import { handOutPage } from "./page.ts";
import { fileNameOn, type Program } from "./programs.ts";

const PAGE_HEADERS = [
  ["Content-Type", "text/html; charset=utf-8"],
  ["Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"],
  ["Cache-Control", "no-store"],
  ["X-Content-Type-Options", "nosniff"],
] as const;

const PROGRAM_HEADERS = [["Content-Type", "application/octet-stream"]] as const;

/** What a hand-out needs of its session. */
interface HandOutOptions {
  /** What is shared with everybody near by. */
  shares(): readonly Share[];
  /** The port that serves this. */
  port(): number;
  /** Found once; requests wait for them. */
  readonly programs: Promise<readonly Program[]>;
}

/** The page with the programs, and the programs. */
export class HandOut {
  readonly #options: HandOutOptions;
  #downloads = 0;

  constructor(options: HandOutOptions) {
    this.#options = options;
  }

  /** Answers for `/get` and what is below, and leaves all other requests to `otherwise`. */
  serving(otherwise: HttpService): HttpService {
    return (request, remote) => {
      const { path, method } = request;
      if (path !== HAND_OUT.path && !path.startsWith(`${HAND_OUT.path}/`)) return otherwise(request, remote);
      if (!isNear(remote.address)) return { status: 404 };
      if (method !== "GET") return { status: 405, headers: [["Allow", "GET"]] };
      const answer = () => this.#answer(path.slice(HAND_OUT.path.length + 1), remote.address);
      return { maxBodyBytes: 0, answer };
    };
  }

  async #answer(rest: string, remote: string): Promise<HttpReply> {
    const programs = await this.#options.programs;
    if (rest === "") {
      return { status: 200, headers: PAGE_HEADERS, body: toUtf8(this.#page(programs, remote)) };
    }
    const program = programs.find(({ system }) => rest === `${system.folder}/${fileNameOn(system)}`);
    return program === undefined ? { status: 404 } : await this.#download(program);
  }

  #page(programs: readonly Program[], remote: string): string {
    const { shares, port } = this.#options;
    const own = formatEndpoint({ address: ownAddressFor(remote) ?? remote, port: port() });
    return handOutPage(programs, shares(), `http://${own}${HAND_OUT.path}`);
  }

  /** The file, unless it is not what was hashed any more, or too many are being fetched. */
  async #download({ path, size, changedAt }: Program): Promise<HttpReply> {
    if (this.#downloads >= HAND_OUT.atOnce) return { status: 503, headers: [["Retry-After", "10"]] };
    this.#downloads++;
    const file = await Deno.open(path).catch(() => undefined);
    const now = await file?.stat();
    if (file === undefined || now?.size !== size || (now.mtime?.getTime() ?? 0) !== changedAt) {
      this.#end(file);
      return { status: 404 };
    }
    return { status: 200, headers: PROGRAM_HEADERS, length: size, body: this.#stream(file) };
  }

  #stream(file: Deno.FsFile): ReadableStream<Uint8Array> {
    return new ReadableStream({
      pull: async (controller) => {
        const part = new Uint8Array(HAND_OUT.partBytes);
        const count = await file.read(part).catch((error) => {
          this.#end(file);
          throw error;
        });
        if (count !== null) return controller.enqueue(part.subarray(0, count));
        this.#end(file);
        controller.close();
      },
      cancel: () => this.#end(file),
    });
  }

  #end(file: Deno.FsFile | undefined): void {
    file?.close();
    this.#downloads--;
  }
}
