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
  readonly #base: string;
  readonly #metainfo: Metainfo;
  readonly #paths: readonly (readonly string[])[];

  /**
   * `base` is the web seed's address as it stands in the torrent. `paths` are the names of the files as the
   * torrent spells them, in its order, the torrent's own name first: servers know no names made safe.
   * Throws `TypeError` when no URL can be made of them.
   */
  constructor(base: string, metainfo: Metainfo, paths: readonly (readonly string[])[]) {
    this.#base = base;
    this.#metainfo = metainfo;
    this.#paths = paths;
    // All paths of a torrent make a URL, or none does.
    fileUrl(base, paths[0]);
  }

  /** The runs that `length` bytes from `begin` of piece `index` consist of, in order, without gaps. */
  of(index: number, begin: number, length: number): WebSeedRange[] {
    const { layout, files } = this.#metainfo;
    let offset = 0;
    return layout.spans(layout.offsetOf(index) + begin, length).map((span) => {
      const { isPadding, length: fileLength } = files[span.file];
      const url = isPadding ? undefined : fileUrl(this.#base, this.#paths[span.file]);
      const range = { url, fileLength, position: span.position, length: span.length, offset };
      offset += span.length;
      return range;
    });
  }
}

/**
 * The address of a web seed as it stands in a torrent, without a fragment. Throws `TypeError` where it cannot be used:
 * only http and https, and no user names.
 */
export function webSeedUrl(base: string): URL {
  const url = new URL(base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`Expected http or https, got ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") throw new TypeError("Expected no user name in a web seed");
  url.hash = "";
  return url;
}

/**
 * BEP 19: the address of a single file, or of the folder it lies in, which ends in a slash; of several files, the
 * folder that holds the torrent's folder, with or without the slash.
 */
function fileUrl(base: string, path: readonly string[]): string {
  const url = webSeedUrl(base);
  if (path.length === 1 && !url.pathname.endsWith("/")) return url.href;
  if (url.search !== "") throw new TypeError("Expected a folder, got a query");
  const folder = url.href.endsWith("/") ? url.href : `${url.href}/`;
  return folder + path.map(encodeURIComponent).join("/");
}
