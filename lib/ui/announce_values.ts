/** Turns announce addresses of the command line into URLs. */
import { announceUrl } from "../session/torrent_tools.ts";
import { EXIT, Failure } from "./failure.ts";
import { refuse } from "./option_values.ts";

/** The whole URL of an announce address. Errors: `RangeError`. */
export function parseAnnounce(text: string): string {
  const url = announceUrl(text);
  if (url !== undefined) return url;
  const guess = text.includes("://") ? undefined : announceUrl(`http://${text.trim()}`);
  const example = guess === undefined ? "" : ` such as ${guess}`;
  return refuse(`an announce URL${example}, a host or HOST:PORT`, text);
}

/** One tier for each value of an option. Errors: `Failure` that names the option. */
export function announceTiersOf(texts: readonly string[], option = "--announce"): string[][] {
  try {
    return texts.map((text) => [parseAnnounce(text)]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Failure(EXIT.usage, option, error.message);
  }
}
