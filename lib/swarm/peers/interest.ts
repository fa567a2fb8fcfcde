/** Decides whether we want something of a remote peer, and whether the connection is of any use to either side. */
import { encodePlain, MessageId } from "../../protocol/peer_messages.ts";
import { CHOKING } from "../../settings.ts";
import type { Standing } from "../standing.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** What `Interest` needs of its swarm. */
interface InterestContext {
  /** Whether all wanted data is in its final place, and why the torrent failed, if it did. */
  readonly standing: Pick<Standing, "isFinished" | "failure">;
  /** Whether the peer gets the embedded tracker's list over its connection. */
  isListener(peer: RemotePeer): boolean;
}

/** Tells peers of our interest, and closes connections that are of no use. */
export class Interest {
  readonly #context: InterestContext;
  /** Peers that have nothing more for us and do not know it yet, and since when, in ms. */
  readonly #ranOut = new Map<RemotePeer, number>();

  constructor(context: InterestContext) {
    this.#context = context;
  }

  /**
   * We have all pieces of the peer now. One whose slot we hold hears that at once, as others may wait for the slot. Any
   * other mostly has a new piece soon, while all load; so it hears it only when it has none for a while.
   */
  ranOut(peer: RemotePeer, now: number): void {
    if (!peer.peerChokes) return this.update(peer);
    if (peer.weWant && !this.#ranOut.has(peer)) this.#ranOut.set(peer, now);
  }

  /** The peer gives us a slot. */
  unchoked(peer: RemotePeer): void {
    if (this.#ranOut.has(peer)) this.update(peer);
  }

  /** Tells the peers that have had nothing for us for a while; called once per tick, `now` in ms. */
  tick(now: number): void {
    for (const [peer, since] of this.#ranOut) if (now - since >= CHOKING.ranOutMs) this.update(peer);
  }

  /** Tells the peer if we have begun or ceased to want something of it. */
  update(peer: RemotePeer): void {
    this.#ranOut.delete(peer);
    const want = peer.wantedPieces > 0 && !peer.isDeclined && !peer.isHeldBack &&
      this.#context.standing.failure === undefined;
    if (want === peer.weWant) return;
    peer.weWant = want;
    peer.sender.send(encodePlain(want ? MessageId.interested : MessageId.notInterested));
  }

  /** Closes the connection if neither side wants anything more, unless it carries the embedded tracker's list. */
  closeIfUseless(peer: RemotePeer): void {
    const isIntroduced = peer.extended !== undefined || !peer.facts.supportsExtensions;
    if (!this.#context.standing.isFinished || !isIntroduced || this.#context.isListener(peer)) return;
    if (peer.isSeed) peer.sender.close("both have everything");
    else if (peer.isUploadOnly) peer.sender.close("neither wants anything");
  }
}
