/** Which bytes of which files a web seed must be asked for (BEP 19). */
import type { Metainfo } from "../../protocol/metainfo.ts";

/** A run of bytes of one file, and where it belongs. */
export interface WebSeedRange {
  /** URL of the file; undefined for padding (BEP 47), which is zero bytes and on no server. */
  readonly url: string | undefined;
  /** Bytes of the whole file. */
  readonly fileLength: number;
  /** Where the run starts in the file, in bytes. */
  readonly position: number;
  readonly length: number;
  /** Where the run starts within what was asked for, in bytes. */
  readonly offset: number;
}

/** Translates pieces of one torrent into files of one web seed. */
export class WebSeedRanges {
  readonly #metainfo: Metainfo;
  readonly #urls: readonly string[];

  /**
   * `base` is the web seed's address as it stands in the torrent. `paths` are the names of the files as the
   * torrent spells them, in its order, the torrent's own name first: servers know no names made safe.
   * Throws `TypeError` when no URL can be made of them.
   */
  constructor(base: string, metainfo: Metainfo, paths: readonly (readonly string[])[]) {
    this.#metainfo = metainfo;
    this.#urls = paths.map((path) => fileUrl(base, path));
  }

  /** The runs that `length` bytes from `begin` of piece `index` consist of, in order, without gaps. */
  of(index: number, begin: number, length: number): WebSeedRange[] {
    const { layout, files } = this.#metainfo;
    let offset = 0;
    return layout.spans(layout.offsetOf(index) + begin, length).map((span) => {
      const { isPadding, length: fileLength } = files[span.file];
      const url = isPadding ? undefined : this.#urls[span.file];
      const range = { url, fileLength, position: span.position, length: span.length, offset };
      offset += span.length;
      return range;
    });
  }
}

/**
 * BEP 19: the address of a single file, or of the folder it lies in, which ends in a slash; of several files, the
 * folder that holds the torrent's folder, with or without the slash.
 */
function fileUrl(base: string, path: readonly string[]): string {
  const url = new URL(base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`Expected http or https, got ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") throw new TypeError("Expected no user name in a web seed");
  url.hash = "";
  if (path.length === 1 && !url.pathname.endsWith("/")) return url.href;
  if (url.search !== "") throw new TypeError("Expected a folder, got a query");
  const folder = url.href.endsWith("/") ? url.href : `${url.href}/`;
  return folder + path.map(encodeURIComponent).join("/");
}
