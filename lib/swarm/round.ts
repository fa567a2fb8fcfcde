/** Tells how a round gave the upload slots and chose the download sources. */
import type { RemotePeer } from "./peers/remote_peer.ts";
import type { GivenPlace, SlotReason, SourceReason, SwarmNews } from "./ports.ts";

/**
 * The event of a round that is just over. `isComplete`: we want nothing more, so that slots go to the peers that take
 * fastest from us, instead of those that give fastest. `now` in ms.
 */
export function roundNews(
  peers: Iterable<RemotePeer>,
  isComplete: boolean,
  now: number,
): Extract<SwarmNews, { event: "rechoke" }> {
  const slots: GivenPlace<SlotReason>[] = [];
  const sources: GivenPlace<SourceReason>[] = [];
  let [waitingForSlot, waitingAsSource] = [0, 0];
  for (const peer of peers) {
    const meter = isComplete ? peer.upload : peer.download;
    const rate = Math.round(meter.bytesPerSecond(now));
    if (!peer.weChoke) slots.push({ peer: peer.name, reason: peer.reason, rate });
    else if (peer.peerWants && !peer.isUploadOnly) waitingForSlot++;
    if (peer.isSource) {
      const { name, sourceReason, download } = peer;
      sources.push({ peer: name, reason: sourceReason, rate: Math.round(download.bytesPerSecond(now)) });
    } else if (!isComplete && peer.wantedPieces > 0) waitingAsSource++;
  }
  const byRate = (a: { rate: number }, b: { rate: number }) => b.rate - a.rate;
  return {
    event: "rechoke",
    slots: slots.sort(byRate),
    slotsBy: isComplete ? "what they take" : "what they give",
    waitingForSlot,
    sources: sources.sort(byRate),
    waitingAsSource,
  };
}
