import type { Metainfo } from "../../protocol/metainfo.ts";
import { readPieceReply } from "../../protocol/range_reply.ts";
import { WEB_SEED } from "../../settings.ts";
import { webSeedUrl } from "../../swarm/download/web_seed_ranges.ts";
import { type PartAnswer, type PartRange, type PartRequest, PartServer } from "./part_server.ts";

/** Characters read of a busy server's answer, which consists of a number. */
const MAX_PAUSE_LENGTH = 64;

/**
 * A script on a web server that knows one torrent and is asked for its pieces (BEP 17):
 *
 *   GET BASE?info_hash=%01%23…&piece=7&ranges=0-16383
 */
export class HttpSeed extends PartServer {
  readonly #metainfo: Metainfo;
  readonly #url: string;
  /** The info-hash, as a query spells it. */
  readonly #infoHash: string;
  protected readonly maxLackedParts = WEB_SEED.maxLackedPieces;

  /**
   * `base` is the script's URL as the torrent spells it; no address for which `isBlocked` returns true is asked. Throws
   * `TypeError` for an unusable URL.
   */
  constructor(base: string, metainfo: Metainfo, isBlocked: (address: string) => boolean) {
    super(metainfo, isBlocked);
    this.#metainfo = metainfo;
    this.#url = webSeedUrl(base).href;
    this.#infoHash = metainfo.infoHash.replaceAll(/../g, "%$&");
  }

  protected rangesOf(index: number, begin: number, length: number): PartRange[] {
    const { layout } = this.#metainfo;
    const ranges: PartRange[] = [];
    let position = begin;
    for (let part = index, offset = 0; offset < length; part++, position = 0) {
      const partLength = layout.lengthOf(part);
      const run = Math.min(length - offset, partLength - position);
      ranges.push({ part, url: this.#url, partLength, position, length: run, offset });
      offset += run;
    }
    return ranges;
  }

  protected async ask({ part, url, partLength, position, length, signal }: PartRequest): Promise<PartAnswer> {
    const range = `${position}-${position + length - 1}`;
    const query = `info_hash=${this.#infoHash}&piece=${part}&ranges=${range}`;
    const response = await this.server.get(url, {}, signal, query);
    const asked = { position, length, fileLength: partLength };
    const pause = response.status === 503 ? await beginningOf(response) : "";
    const content = readPieceReply(response.status, (name) => response.headers.get(name), asked, pause);
    return { response, content };
  }

  protected lackOf(piece: number) {
    return { lack: { piece }, first: piece, last: piece };
  }
}

/** The first characters of a reply's body. */
async function beginningOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder("latin1");
  let text = "";
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes.subarray(0, MAX_PAUSE_LENGTH));
    if (text.length >= MAX_PAUSE_LENGTH) break;
  }
  return text;
}
