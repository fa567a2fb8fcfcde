/** One direction of a subnet's uplink. */
interface Direction {
  /** When it is free again, in ms of virtual time. */
  freeAt: number;
  /** Bytes that have passed. */
  bytes: number;
}

/** The uplinks of subnets, by their numbers, to one router that is never the bottleneck. */
export class Uplinks {
  /** Bytes per second of each uplink, each way. */
  rate = Infinity;
  readonly #out = new Map<number, Direction>();
  readonly #in = new Map<number, Direction>();

  /** A packet is ready to leave its subnet at `at` (ms); returns when it is in the other one. */
  pass(from: number, to: number, bytes: number, at: number): number {
    if (from === to) return at;
    return this.#through(this.#in, to, bytes, this.#through(this.#out, from, bytes, at));
  }

  /** Bytes that have left a subnet. */
  bytesOut(subnet: number): number {
    return this.#out.get(subnet)?.bytes ?? 0;
  }

  /** Bytes that have come into a subnet. */
  bytesInto(subnet: number): number {
    return this.#in.get(subnet)?.bytes ?? 0;
  }

  #through(directions: Map<number, Direction>, subnet: number, bytes: number, at: number): number {
    const direction = directions.get(subnet) ?? { freeAt: 0, bytes: 0 };
    directions.set(subnet, direction);
    direction.bytes += bytes;
    return direction.freeAt = Math.max(at, direction.freeAt + bytes * 1_000 / this.rate);
  }
}
