/** Wake-on-LAN: the hardware addresses of this machine, and the packets that wake others. */
import dgram from "node:dgram";
import { magicPacket, readMac, WAKE_PORT } from "../../protocol/magic_packet.ts";

/** The hardware addresses of this machine, each once; none of loopback. */
export function ownMacs(interfaces = Deno.networkInterfaces()): Uint8Array<ArrayBuffer>[] {
  const texts = new Set(interfaces.map(({ mac }) => mac.toLowerCase()));
  return [...texts].flatMap((text) => readMac(text) ?? []);
}

/**
 * Sends the magic packets for these hardware addresses to every IPv4 network of this machine; resolves with the number
 * of networks that took them. A machine behind a router is not reached.
 */
export async function wake(macs: readonly Uint8Array[]): Promise<number> {
  const networks = broadcastAddresses();
  const socket = dgram.createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, () => resolve());
    });
    socket.setBroadcast(true);
    const sent = networks.map(async (address) => {
      const each = await Promise.all(macs.map((mac) => send(socket, magicPacket(mac), address)));
      return each.every((isSent) => isSent);
    });
    return (await Promise.all(sent)).filter((isSent) => isSent).length;
  } finally {
    socket.close();
  }
}

/** Resolves with whether the system took the datagram. */
function send(socket: dgram.Socket, packet: Uint8Array, address: string): Promise<boolean> {
  return new Promise((resolve) =>
    socket.send(packet, WAKE_PORT, address, (error) => resolve(error === null))
  );
}

/** The last address of each IPv4 network of this machine, which stands for all hosts of that network. */
function broadcastAddresses(): string[] {
  return Deno.networkInterfaces().flatMap(({ family, address, netmask }) => {
    if (family !== "IPv4" || address.startsWith("127.")) return [];
    const mask = netmask.split(".").map(Number);
    return [address.split(".").map((byte, i) => Number(byte) | ~mask[i] & 0xff).join(".")];
  });
}
