import { formatBytes } from "../../ui/number_format.ts";
import type { PeerView } from "../../api/shapes.ts";
import { percent, rate } from "../numbers.ts";
import { peers, selected } from "../store.ts";

/** The connected peers: who gets a slot, who is a source, and why. */
export function PeersPart() {
  const list = peers.value;
  if (list === undefined) return <p class="empty">…</p>;
  if (list.length === 0) return <p class="empty">No peer is connected.</p>;
  const total = Math.max(1, selected.value?.pieces ?? 1);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Peers">
      <table>
        <thead>
          <tr>
            <th>address</th>
            <th>program</th>
            <th class="number">has</th>
            <th class="number">↓ from it</th>
            <th class="number">↑ to it</th>
            <th>slot (we send)</th>
            <th>source (we fetch)</th>
          </tr>
        </thead>
        <tbody>{list.map((peer) => <Row key={peer.endpoint} peer={peer} total={total} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ peer, total }: { peer: PeerView; total: number }) {
  const { endpoint, client, have, downloadRate, uploadRate, downloaded, uploaded } = peer;
  return (
    <tr>
      <td>{endpoint}</td>
      <td class="name">
        <bdi title={client}>{client}</bdi>
      </td>
      <td class="number">{percent(have / total)}</td>
      <td class="number" title={`${formatBytes(downloaded)} in all`}>{rate(downloadRate)}</td>
      <td class="number" title={`${formatBytes(uploaded)} in all`}>{rate(uploadRate)}</td>
      <td class={peer.isUploadSlot ? "yes" : ""}>{slotText(peer)}</td>
      <td class={peer.isDownloadSource ? "yes" : ""}>{sourceText(peer)}</td>
    </tr>
  );
}

function slotText({ isUploadSlot, peerWants, reason }: PeerView): string {
  if (isUploadSlot) return `yes: ${reason}`;
  if (peerWants === false) return "it wants nothing of ours";
  return reason === "" ? "no" : `no: ${reason}`;
}

function sourceText({ isDownloadSource, weWant, peerChokes, isSnubbed, sourceReason }: PeerView): string {
  const because = sourceReason === "" ? "" : `: ${sourceReason}`;
  if (isSnubbed) return "it sends nothing that was asked for";
  if (isDownloadSource) return `yes${because}`;
  if (weWant === false) return "it has nothing that we lack";
  return peerChokes ? "no: it gives us no slot" : `no${because}`;
}
