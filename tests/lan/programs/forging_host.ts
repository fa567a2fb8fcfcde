/**
 * A host that forges answers: `deno run … forging_host.ts INFO_HASH`. To everyone who looks for the code of that torrent it
 * names a torrent of its own making under the same code, and the true one with a false name; for both it gives the
 * metadata of other data. Prints a line for each claim that it has made, and for each metadata that it has given.
 */
import { readFully, TcpStream } from "../../../lib/net/peers/byte_stream.ts";
import { ProtocolError } from "../../../lib/errors.ts";
import { encode } from "../../../lib/protocol/bencode.ts";
import { EXTENDED_HANDSHAKE_ID, OUR_EXTENSIONS } from "../../../lib/protocol/extension_messages.ts";
import { encodeHandshake, HANDSHAKE_LENGTH, parseHandshake } from "../../../lib/protocol/handshake.ts";
import {
  type InfoHash,
  infoHashBytes,
  infoHashFromBytes,
  parseInfoHash,
} from "../../../lib/protocol/info_hash.ts";
import { LSD_GROUPS, LSD_PORT, parseLsd } from "../../../lib/protocol/lsd_message.ts";
import { encodeMetadataData } from "../../../lib/protocol/metadata_messages.ts";
import { encodeExtended } from "../../../lib/protocol/peer_messages.ts";
import { lookupHashesOf } from "../../../lib/protocol/share_code.ts";
import { encodeShareAnswer, type Share } from "../../../lib/protocol/share_messages.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";
import { peerIdOf } from "../../harness/sessions/remote_peers.ts";

const PORT = 6881;
/** Info-hashes agree in so many bytes with one of the same six words. */
const CODE_BYTES = 9;

const infoHash = parseInfoHash(Deno.args[0])!;
const lookups = lookupHashesOf(infoHash);
const forged = infoHashFromBytes(infoHashBytes(infoHash).fill(0xff, CODE_BYTES));
const { rawInfo } = metainfoOf(randomBytes(100_000, 666), 16 * 1024, "forged.mp4");

const shareOf = (infoHash: InfoHash): Share => (
  { infoHash, name: "forged.mp4", length: 100_000, files: 1, trackers: [], isListed: true }
);
const CLAIM = encodeExtended(
  OUR_EXTENSIONS.peer_share,
  encodeShareAnswer("forger", [shareOf(forged), shareOf(infoHash)]),
);
const HANDSHAKES = {
  lookup: encode({ m: { peer_share: OUR_EXTENSIONS.peer_share }, p: PORT }),
  torrent: encode({ m: { ut_metadata: OUR_EXTENSIONS.ut_metadata }, metadata_size: rawInfo.length, p: PORT }),
};

/** Says what is to be said on a connection whose handshake is through, and waits for its end. */
async function lie(stream: TcpStream, about: InfoHash): Promise<void> {
  const isLookup = lookups.includes(about);
  const handshake = encodeExtended(EXTENDED_HANDSHAKE_ID, HANDSHAKES[isLookup ? "lookup" : "torrent"]);
  const rest = isLookup ? CLAIM : encodeExtended(OUR_EXTENSIONS.ut_metadata, encodeMetadataData(0, rawInfo));
  for (const message of [handshake, rest]) await stream.write(message);
  console.log(isLookup ? "claimed" : `gave ${about === forged ? "forged" : "wrong"} metadata`);
  while (await stream.read(new Uint8Array(2 ** 16)) !== null);
}

/** Shakes hands under the hash that the other side names, or under `ours` where this host has dialled. */
async function meet(connection: Deno.TcpConn, ours?: InfoHash): Promise<void> {
  const stream = new TcpStream(connection);
  try {
    if (ours !== undefined) await stream.write(encodeHandshake(ours, peerIdOf(66)));
    const bytes = new Uint8Array(HANDSHAKE_LENGTH);
    const theirs = await readFully(stream, bytes) ? parseHandshake(bytes) : undefined;
    if (theirs === undefined) return;
    if (ours === undefined) await stream.write(encodeHandshake(theirs.infoHash, peerIdOf(66)));
    await lie(stream, theirs.infoHash);
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof Deno.errors.ConnectionReset)) throw error;
  } finally {
    stream.close();
  }
}

/** Dials everyone who looks for the code. */
async function hearQuestions(): Promise<void> {
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "0.0.0.0",
    port: LSD_PORT,
    reuseAddress: true,
  });
  await socket.joinMulticastV4(LSD_GROUPS[4], "0.0.0.0");
  console.log("listens");
  for await (const [datagram, from] of socket) {
    const { infoHashes, port } = parseLsd(datagram);
    const lookup = infoHashes.find((each) => lookups.includes(each));
    if (lookup === undefined) continue;
    const { hostname } = from as Deno.NetAddr;
    void Deno.connect({ hostname, port }).then((connection) => meet(connection, lookup));
  }
}

const listener = Deno.listen({ port: PORT });
void hearQuestions();
for await (const connection of listener) void meet(connection);
