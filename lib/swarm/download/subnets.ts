import { familyOf } from "../../protocol/endpoint.ts";

/**
 * The subnet that an address is likely to be in, as text: what comes before the last byte of IPv4, or the first half of
 * IPv6. How far the network of a far machine really reaches, nobody tells us.
 */
export function subnetOf(address: string): string {
  if (familyOf(address) === 4) return address.slice(0, address.lastIndexOf("."));
  const [head, tail] = address.split("::");
  const first = head.split(":");
  if (tail === undefined || first.length >= 4) return first.slice(0, 4).join(":");
  const missing = 8 - first.length - (tail === "" ? 0 : tail.split(":").length);
  return [...first, ...new Array(missing).fill("0"), ...tail.split(":")].slice(0, 4).join(":");
}
