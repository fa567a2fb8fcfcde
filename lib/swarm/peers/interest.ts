/** What we and a remote peer are to each other: whether we want something of it, and whether either is of any use. */
import { encodePlain, MessageId } from "../../protocol/peer_messages.ts";
import type { Standing } from "../standing.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** What `Interest` needs of its swarm. */
export interface InterestContext {
  /** Whether all that is wanted is in its final place, and why nothing is fetched any more. */
  readonly standing: Pick<Standing, "isFinished" | "failure">;
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
    const want = peer.wantedPieces > 0 && !peer.isDeclined && this.#context.standing.failure === undefined;
    if (want === peer.weWant) return;
    peer.weWant = want;
    peer.sender.send(encodePlain(want ? MessageId.interested : MessageId.notInterested));
  }

  /** Two that want nothing more need no connection, unless it carries the list of peers. */
  closeIfUseless(peer: RemotePeer): void {
    const isIntroduced = peer.extended !== undefined || !peer.facts.supportsExtensions;
    if (!this.#context.standing.isFinished || !isIntroduced || this.#context.isListener(peer)) return;
    if (peer.isSeed) peer.sender.close("both have everything");
    else if (peer.isUploadOnly) peer.sender.close("neither wants anything");
  }
}
