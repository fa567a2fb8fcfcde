import { printable } from "./printable.ts";
import { toByteString } from "./bytes.ts";

/** Length of a peer id in bytes (BEP 3). */
export const PEER_ID_LENGTH = 20;

/** The beginning of our peer ids (BEP 20, Azureus style): client `PD` ("peer on Deno"), version 0.1.0. */
export const PEER_ID_PREFIX = "-PD0100-";

/** The beginning of the peer ids of all versions of this program. */
const OUR_KIND = PEER_ID_PREFIX.slice(0, 3);

/** Whether the text (one character a byte) ends with a peer id of this program. Any peer can claim such an id. */
export function isOfOurKind(text: string): boolean {
  return text.startsWith(OUR_KIND, text.length - PEER_ID_LENGTH);
}

/** Creates our peer id for this run: the prefix, then letters and digits made from the last 12 of 20 random bytes. */
export function createPeerId(random: Uint8Array): Uint8Array<ArrayBuffer> {
  const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const peerId = new Uint8Array(PEER_ID_LENGTH);
  for (let i = 0; i < PEER_ID_LENGTH; i++) {
    const character = PEER_ID_PREFIX[i] ?? alphabet[random[i] % alphabet.length];
    peerId[i] = character.charCodeAt(0);
  }
  return peerId;
}

/** Whether a peer id belongs to this program, in any version. */
export function isOurKind(peerId: Uint8Array): boolean {
  return isOfOurKind(toByteString(peerId));
}

/** The client behind the two letters of an Azureus-style peer id; only clients that are common on a LAN. */
const CLIENTS: Record<string, string> = {
  PD: "peer",
  LT: "libtorrent",
  lt: "rTorrent",
  qB: "qBittorrent",
  TR: "Transmission",
  A2: "aria2",
  WW: "WebTorrent",
  WD: "WebTorrent Desktop",
  DE: "Deluge",
  BI: "BiglyBT",
  UT: "µTorrent",
  AZ: "Vuze",
};

/** A readable name for a remote's client, from its peer id; for display only, and safe to print. */
export function clientNameOf(peerId: Uint8Array): string {
  const text = toByteString(peerId);
  const azureus = /^-([A-Za-z0-9]{2})([0-9A-Za-z]{4})-/.exec(text);
  if (azureus !== null) {
    const [, letters, version] = azureus;
    const numbers = [...version].map((digit) => parseInt(digit, 36));
    // The fourth number is a build that most clients leave at zero.
    return `${CLIENTS[letters] ?? letters} ${(numbers[3] === 0 ? numbers.slice(0, 3) : numbers).join(".")}`;
  }
  const aria2 = /^A2-(\d+)-(\d+)-(\d+)-/.exec(text);
  if (aria2 !== null) return `aria2 ${aria2.slice(1).join(".")}`;
  return printable(text.slice(0, 8));
}
