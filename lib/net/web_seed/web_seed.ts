import type { Metainfo } from "../../protocol/metainfo.ts";
import { readRangeReply } from "../../protocol/range_reply.ts";
import { WEB_SEED } from "../../settings.ts";
import { WebSeedRanges } from "../../swarm/download/web_seed_ranges.ts";
import { type PartAnswer, type PartRange, type PartRequest, PartServer } from "./part_server.ts";

/** A web server that has the files of one torrent (BEP 19). */
export class WebSeed extends PartServer {
  readonly #metainfo: Metainfo;
  readonly #ranges: WebSeedRanges;
  protected readonly maxLackedParts = WEB_SEED.maxLackedFiles;

  /**
   * The arguments are those of `WebSeedRanges`; no address for which `isBlocked` returns true is asked. Throws
   * `TypeError` for an unusable URL.
   */
  constructor(
    base: string,
    metainfo: Metainfo,
    paths: readonly (readonly string[])[],
    isBlocked: (address: string) => boolean,
  ) {
    super(metainfo, isBlocked);
    this.#metainfo = metainfo;
    this.#ranges = new WebSeedRanges(base, metainfo, paths);
  }

  protected rangesOf(index: number, begin: number, length: number): PartRange[] {
    const { layout } = this.#metainfo;
    const spans = layout.spans(layout.offsetOf(index) + begin, length);
    return this.#ranges.of(index, begin, length).map(({ fileLength, ...range }, i) => {
      return { ...range, part: spans[i].file, partLength: fileLength };
    });
  }

  protected async ask({ url, partLength, position, length, signal }: PartRequest): Promise<PartAnswer> {
    const headers = { "Range": `bytes=${position}-${position + length - 1}` };
    const response = await this.server.get(url, headers, signal);
    const asked = { position, length, fileLength: partLength };
    const content = readRangeReply(response.status, (name) => response.headers.get(name), asked);
    if (response.status === 200 && !("isFinal" in content)) this.sendsWholeFiles = true;
    return { response, content };
  }

  protected lackOf(file: number) {
    return { lack: { file }, ...this.#metainfo.layout.piecesOf(file) ?? { first: 0, last: -1 } };
  }
}
