/** How long near peers are waited for that do not give what they have. */
import type { PieceLayout } from "../../protocol/piece_layout.ts";
import { NEAR } from "../../settings.ts";

/** What peers have sent altogether, in bytes. */
interface Sent {
  readonly near: number;
  readonly far: number;
}

/**
 * Near peers have to deliver up to `NEAR.leastBytes` of what they have in each `NEAR.patienceMs`. Where they send next to
 * nothing, one piece of it may be asked of far peers in the next such time, and then `NEAR.growth` times as many each time:
 * near ones that are only busy cost a piece or two, and those that lie hold nobody up for long. Where they send little, as
 * behind a slow router, far ones are tried now and then, and more of them are asked for only while they bring more. All
 * ends as soon as near ones deliver.
 */
export class Patience {
  readonly #pieceCount: number;
  readonly #pieceLength: number;
  readonly #lacks: (index: number) => boolean;
  /** When the present time began; undefined before the first look. */
  #since: number | undefined;
  /** What had been sent then, and what near peers have to send until its end, in bytes. */
  #then: Sent = { near: 0, far: 0 };
  #due = 0;
  /** How many pieces were opened last, and for how many times nothing was tried. */
  #opened = 0;
  #pauses = 0;
  /** The open pieces: so many from the first one on, in a circle. Machines begin at different ones, and help each other. */
  #first: number;
  #width = 0;

  /** `lacks`: whether we want a piece and have not stored it. `start`: a number that differs between machines. */
  constructor(
    { pieceCount, pieceLength }: Pick<PieceLayout, "pieceCount" | "pieceLength">,
    start: number,
    lacks: (index: number) => boolean,
  ) {
    this.#pieceCount = pieceCount;
    this.#pieceLength = pieceLength;
    this.#lacks = lacks;
    this.#first = start % Math.max(pieceCount, 1);
  }

  /** Whether a piece may be asked of far peers, although near ones have it. */
  opens(index: number): boolean {
    return this.#width > 0 && (index - this.#first + this.#pieceCount) % this.#pieceCount < this.#width;
  }

  /**
   * Looks what has been sent; returns whether other pieces are open than before. `had`: bytes that near peers have and we
   * lack. `now` in ms.
   */
  look(sent: Sent, had: () => number, now: number): boolean {
    if (this.#since === undefined) this.#begin(sent, had(), now);
    // Those that have left take what they had sent with them.
    this.#then = { near: Math.min(this.#then.near, sent.near), far: Math.min(this.#then.far, sent.far) };
    const [near, far] = [sent.near - this.#then.near, sent.far - this.#then.far];
    const isOver = now - this.#since! >= NEAR.patienceMs;
    const hasChanged = near >= this.#due ? this.#close() : isOver && this.#openMore(near, far);
    if (isOver) this.#begin(sent, had(), now);
    return hasChanged;
  }

  #begin(sent: Sent, due: number, now: number): void {
    this.#since = now;
    this.#then = sent;
    this.#due = due;
  }

  #close(): boolean {
    if (this.#width === 0) return false;
    this.#first = (this.#first + this.#width) % this.#pieceCount;
    this.#width = 0;
    this.#opened = 0;
    return true;
  }

  /** They have sent too little: `near` and `far` bytes. */
  #openMore(near: number, far: number): boolean {
    if (near < NEAR.littleBytes || far > near) return this.#open(Math.max(1, NEAR.growth * this.#opened));
    if (++this.#pauses % NEAR.pauses > 0) return false;
    return this.#open(Math.ceil(NEAR.leastBytes / this.#pieceLength));
  }

  #open(count: number): boolean {
    this.#opened = count;
    for (let left = count; left > 0 && this.#width < this.#pieceCount; this.#width++) {
      if (this.#lacks((this.#first + this.#width) % this.#pieceCount)) left--;
    }
    return true;
  }
}
