/** Decides whether we want something of a remote peer, and whether the connection is of any use to either side. */
import { encodePlain, MessageId } from "../../protocol/peer_messages.ts";
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

  constructor(context: InterestContext) {
    this.#context = context;
  }

  /** Tells the peer if we have begun or ceased to want something of it. */
  update(peer: RemotePeer): void {
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
