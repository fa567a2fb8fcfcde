/** Finds the bytes of files that a web seed must be asked for (BEP 19). */
import type { Metainfo } from "../../protocol/metainfo.ts";

/** A run of bytes of one file. */
interface WebSeedRange {
  /** URL of the file; undefined for padding (BEP 47), which consists of zero bytes and is on no server. */
  readonly url: string | undefined;
  /** Length of the whole file, in bytes. */
  readonly fileLength: number;
  /** Where the run starts in the file, in bytes. */
  readonly position: number;
  readonly length: number;
  /** Where the run starts within the bytes that were asked for, in bytes. */
  readonly offset: number;
}

/** Translates pieces of one torrent into files of one web seed. */
export class WebSeedRanges {
  readonly #base: string;
  readonly #metainfo: Metainfo;
  readonly #paths: readonly (readonly string[])[];

  /**
   * `base` is the web seed's address as the torrent gives it. `paths` are the paths of the files as the torrent spells
   * them, in its order, each with the torrent's name first: a server does not know the names that we made safe.
   *
   * Errors: `TypeError` when no URL can be made of them.
   */
  constructor(base: string, metainfo: Metainfo, paths: readonly (readonly string[])[]) {
    this.#base = base;
    this.#metainfo = metainfo;
    this.#paths = paths;
    // All paths of a torrent make a URL, or none does.
    fileUrl(base, paths[0]);
  }

  /** The runs that make up `length` bytes from `begin` of piece `index`, in order and without gaps. */
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
 * The address of a web seed as the torrent gives it, without a fragment. Errors: `TypeError` when it cannot be used:
 * only http and https are, and no user names.
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
 * The URL of one file (BEP 19). For a torrent of a single file, `base` is the address of the file, or of its folder
 * with a slash at the end. For one of several files, it is the folder that holds the torrent's folder, with or without
 * a slash.
 */
function fileUrl(base: string, path: readonly string[]): string {
  const url = webSeedUrl(base);
  if (path.length === 1 && !url.pathname.endsWith("/")) return url.href;
  if (url.search !== "") throw new TypeError("Expected a folder, got a query");
  const folder = url.href.endsWith("/") ? url.href : `${url.href}/`;
  return folder + path.map(encodeURIComponent).join("/");
}
