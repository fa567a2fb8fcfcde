/** The fields of `torrent_get` about connected peers. */
import type { JsonObject } from "../json.ts";
import type { PeerView, TorrentSnapshot } from "../../../session/session.ts";
import type { Field } from "./torrent_fields.ts";

export const peerFields: Readonly<Record<string, Field>> = {
  peers: ({ snapshot }) => peersOf(snapshot).map((peer) => peerOf(peer, snapshot)),
  peers_connected: ({ snapshot }) => peersOf(snapshot).length,
  peers_from: ({ snapshot }) => {
    const peers = peersOf(snapshot);
    const from = (...sources: readonly string[]) =>
      peers.filter((peer) => sources.includes(peer.isIncoming ? "incoming" : peer.source)).length;
    return {
      from_cache: from("user"),
      from_dht: from("dht"),
      from_incoming: from("incoming"),
      from_lpd: from("lsd"),
      from_ltep: from("broadcast"),
      from_pex: from("pex"),
      from_tracker: from("tracker"),
    };
  },
  peers_getting_from_us: ({ snapshot }) => peersOf(snapshot).filter(isUploadingTo).length,
  peers_sending_to_us: ({ snapshot }) => peersOf(snapshot).filter(isDownloadingFrom).length,
  webseeds_sending_to_us: ({ snapshot }) =>
    snapshot.peers.filter((peer) => isWebSeed(peer) && isDownloadingFrom(peer)).length,
};

function isWebSeed({ source }: PeerView): boolean {
  return source === "web seed";
}

/** The peers without web seeds, which Transmission does not count among them. */
function peersOf({ peers }: TorrentSnapshot): PeerView[] {
  return peers.filter((peer) => !isWebSeed(peer));
}

function isDownloadingFrom({ downloadRate }: PeerView): boolean {
  return downloadRate > 0;
}

function isUploadingTo({ uploadRate }: PeerView): boolean {
  return uploadRate > 0;
}

function peerOf(peer: PeerView, { pieces }: TorrentSnapshot): JsonObject {
  return {
    address: peer.address,
    port: peer.port,
    client_name: peer.client,
    progress: pieces === 0 ? 0 : peer.have / pieces,
    rate_to_client: Math.round(peer.downloadRate),
    rate_to_peer: Math.round(peer.uploadRate),
    bytes_to_client: peer.downloaded,
    bytes_to_peer: peer.uploaded,
    flag_str: flagsOf(peer),
    is_encrypted: peer.isEncrypted,
    is_incoming: peer.isIncoming,
    is_utp: false,
    is_downloading_from: isDownloadingFrom(peer),
    is_uploading_to: isUploadingTo(peer),
    // The client is we.
    client_is_choked: peer.peerChokes,
    client_is_interested: peer.weWant,
    peer_is_choked: peer.weChoke,
    peer_is_interested: peer.peerWants,
  };
}

/** The letters that Transmission describes a connection with. */
function flagsOf(peer: PeerView): string {
  const { peerChokes, weWant, weChoke, peerWants, isEncrypted, isIncoming, source } = peer;
  const flags: readonly (readonly [letter: string, isSo: boolean])[] = [
    ["D", isDownloadingFrom(peer)],
    ["d", !isDownloadingFrom(peer) && weWant && peerChokes],
    ["U", isUploadingTo(peer)],
    ["u", !isUploadingTo(peer) && peerWants && weChoke],
    ["K", !peerChokes && !weWant],
    ["?", !weChoke && !peerWants],
    ["E", isEncrypted],
    ["H", source === "dht"],
    ["X", source === "pex"],
    ["I", isIncoming],
  ];
  return flags.filter(([, isSo]) => isSo).map(([letter]) => letter).join("");
}
