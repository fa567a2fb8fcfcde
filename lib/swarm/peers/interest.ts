/** What we and a remote peer are to each other: whether we want something of it, and whether either is of any use. */
import { encodePlain, MessageId } from "../../protocol/peer_messages.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** What `Interest` needs of its swarm. */
export interface InterestContext {
  /** Whether nothing is fetched for now, as the disk refused. */
  isPaused(): boolean;
  /** Whether all wanted data is in its final place. */
  isFinished(): boolean;
  /** Whether the connection carries the embedded tracker's list. */
  isListener(peer: RemotePeer): boolean;
}

/** Tells peers of our interest and lets go of those that are of no use. */
export class Interest {
  readonly #context: InterestContext;

  constructor(context: InterestContext) {
    this.#context = context;
  }

  /** Tells the peer when we began or ceased to want something of it. */
  update(peer: RemotePeer): void {
    const want = peer.wantedPieces > 0 && !peer.isDeclined && !this.#context.isPaused();
    if (want === peer.weWant) return;
    peer.weWant = want;
    peer.sender.send(encodePlain(want ? MessageId.interested : MessageId.notInterested));
  }

  /** Two that want nothing more need no connection, unless it carries the list of peers. */
  closeIfUseless(peer: RemotePeer): void {
    const isIntroduced = peer.extended !== undefined || !peer.facts.supportsExtensions;
    if (!this.#context.isFinished() || !isIntroduced || this.#context.isListener(peer)) return;
    if (peer.isSeed) peer.sender.close("both have everything");
    else if (peer.isUploadOnly) peer.sender.close("neither wants anything");
  }
}
