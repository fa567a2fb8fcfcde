/** Wake-on-LAN: the datagram that switches a machine on, and the hardware addresses (MAC) that it names. */

/** Bytes of a hardware address. */
const MAC_LENGTH = 6;

/** Where network cards look for a magic packet: anywhere; by custom it is sent to the port of `discard`. */
export const WAKE_PORT = 9;
const HEAD_LENGTH = 6;
const REPEATS = 16;

/** The magic packet for a hardware address of six bytes: six bytes of ones, and the address 16 times. */
export function magicPacket(mac: Uint8Array): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(HEAD_LENGTH + REPEATS * MAC_LENGTH).fill(0xff);
  for (let n = 0; n < REPEATS; n++) packet.set(mac, HEAD_LENGTH + n * MAC_LENGTH);
  return packet;
}

/** The hardware address that a text names, `02:00:5e:10:00:01`; undefined for others, and for none and for groups. */
export function readMac(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  const bytes = Uint8Array.fromHex(text.replaceAll(/[:-]/g, ""));
  return isMac(bytes) ? bytes : undefined;
}

/** Whether bytes are the hardware address of one machine. */
export function isMac(bytes: Uint8Array): boolean {
  const isGroup = (bytes[0] & 1) === 1;
  return bytes.length === MAC_LENGTH && !isGroup && bytes.some((byte) => byte !== 0);
}
