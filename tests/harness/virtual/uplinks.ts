/** One direction of a subnet's uplink. */
interface Direction {
  /** When it is free again, in ms of virtual time. */
  freeAt: number;
  /** Bytes that have passed. */
  bytes: number;
}

/** The clock of the uplinks, in ms of virtual time. */
interface Clock {
  readonly now: number;
  after(ms: number, job: () => void): void;
}

/** The uplinks of subnets, by their numbers, to one router that is never the bottleneck. */
export class Uplinks {
  /** Bytes per second of each uplink, each way. */
  rate = Infinity;
  readonly #clock: Clock;
  readonly #out = new Map<number, Direction>();
  readonly #in = new Map<number, Direction>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A packet is ready to leave its subnet; `then` is called when it is in the other one. */
  pass(from: number, to: number, bytes: number, then: () => void): void {
    this.#through(this.#out, from, bytes, () => this.#through(this.#in, to, bytes, then));
  }

  /** Bytes that have left a subnet, or are about to. */
  bytesOut(subnet: number): number {
    return this.#out.get(subnet)?.bytes ?? 0;
  }

  /** Bytes that have come into a subnet, or are about to. */
  bytesInto(subnet: number): number {
    return this.#in.get(subnet)?.bytes ?? 0;
  }

  #through(directions: Map<number, Direction>, subnet: number, bytes: number, then: () => void): void {
    const { now } = this.#clock;
    const direction = directions.get(subnet) ?? { freeAt: 0, bytes: 0 };
    directions.set(subnet, direction);
    direction.bytes += bytes;
    direction.freeAt = Math.max(now, direction.freeAt + bytes * 1_000 / this.rate);
    this.#clock.after(direction.freeAt - now, then);
  }
}
