import { toUtf8 } from "../../protocol/bytes.ts";
import { API } from "../../settings.ts";
import { type JsonObject, mergePatch } from "../merge_patch.ts";

/** Where the state comes from, and the time. */
interface EventFeedOptions {
  /** The whole state at this moment. */
  look(): JsonObject;
  /** Milliseconds since 1970. */
  now(): number;
  /** Hears when the first reader comes and when the last one has left. */
  attended?(isAttended: boolean): void;
}

type Message = Uint8Array<ArrayBuffer>;

/** One open stream of events. */
interface Reader {
  /** The number of the state that it knows; undefined before it got one. */
  sequence: number | undefined;
  /** When it was sent something last, in ms. */
  sentAt: number;
  /** Lets it look for news. */
  wake(): void;
}

const SIGN_OF_LIFE = toUtf8(": still here\n\n");

/**
 * The changes of the state as server-sent events: one delta a second, computed and encoded once for all readers. While
 * there is no reader, nothing is computed.
 *
 * A reader takes its messages from those kept; nothing is queued for a reader that does not read. One that comes back
 * names the last event that it saw, and goes on from there; where that is too long ago, it gets the whole state.
 */
export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #readers = new Set<Reader>();
  /** The latest deltas, whose numbers follow one another up to `#sequence`. */
  #deltas: Message[] = [];
  #deltaBytes = 0;
  /** The state that was told last. */
  #state: JsonObject = {};
  /** Its number: it begins with the time, so that no number of an earlier run is used again. */
  #sequence: number;
  #time: number;
  /** The whole state as a message; undefined until a reader needs it. */
  #whole: Message | undefined;
  #log: JsonObject[] = [];
  /** The latest events, told or not. */
  #recent: JsonObject[] = [];
  #droppedEvents = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#sequence = this.#time = options.now();
  }

  /** The whole state at this moment, with its number and time. */
  state(): JsonObject {
    this.#advance();
    return { sequence: this.#sequence, time: this.#time, ...this.#state };
  }

  /** Keeps an event for the log of the next delta, which has the latest ones. */
  note(event: JsonObject): void {
    const timed = { ...event, time: this.#options.now() };
    this.#recent.push(timed);
    if (this.#recent.length >= 2 * API.eventsKept) this.#recent = this.#recent.slice(-API.eventsKept);
    this.#log.push(timed);
    if (this.#log.length <= API.eventsPerDelta) return;
    this.#log.shift();
    this.#droppedEvents++;
  }

  /** The latest events, and the number after which a stream tells those that come next. */
  log(): JsonObject {
    this.#advance();
    return { sequence: this.#sequence, log: this.#recent.slice(-API.eventsKept) };
  }

  /**
   * A stream of the events after the one with the number `last`; undefined stands for the whole state at first.
   * Returns undefined where there are too many readers.
   */
  open(last: number | undefined): ReadableStream<Uint8Array> | undefined {
    if (this.#isStopped || this.#readers.size >= API.maxReaders) return undefined;
    const reader: Reader = { sequence: last, sentAt: this.#options.now(), wake() {} };
    this.#readers.add(reader);
    if (this.#timer === undefined) {
      // Nobody has looked while there was no reader.
      this.#advance();
      this.#timer = setInterval(() => this.#turn(), API.deltaMs);
      this.#options.attended?.(true);
    }
    return new ReadableStream({
      pull: async (controller) => {
        const message = await this.#nextFor(reader);
        if (message === undefined) return controller.close();
        for (let at = 0; at < message.length; at += API.writeBytes) {
          controller.enqueue(message.subarray(at, at + API.writeBytes));
        }
      },
      cancel: () => this.#leave(reader),
    }, { highWaterMark: 0 });
  }

  /** Ends all streams. */
  stop(): void {
    this.#isStopped = true;
    for (const reader of this.#readers) this.#leave(reader);
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    reader.wake();
    if (this.#readers.size > 0) return;
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.attended?.(false);
  }

  #turn(): void {
    this.#advance();
    for (const reader of this.#readers) reader.wake();
  }

  /** Looks at the state, and makes a delta of what has changed. */
  #advance(): void {
    const state = this.#options.look();
    const patch = mergePatch(this.#state, state);
    if (patch === undefined && this.#log.length === 0) return;
    this.#state = state;
    this.#time = this.#options.now();
    this.#sequence++;
    this.#whole = undefined;
    const log = this.#droppedEvents === 0 ? this.#log : [{ dropped: this.#droppedEvents }, ...this.#log];
    const delta = { sequence: this.#sequence, time: this.#time, patch: patch ?? {}, log };
    this.#log = [];
    this.#droppedEvents = 0;
    this.#keep(this.#encode("delta", delta));
  }

  #keep(delta: Message): void {
    this.#deltas.push(delta);
    this.#deltaBytes += delta.length;
    let surplus = 0;
    while (this.#deltas.length - surplus > API.deltasKept || this.#deltaBytes > API.deltaBytesKept) {
      this.#deltaBytes -= this.#deltas[surplus++].length;
    }
    if (surplus > 0) this.#deltas = this.#deltas.slice(surplus);
  }

  /** The next message for a reader, as soon as there is one; undefined once it has left. */
  async #nextFor(reader: Reader): Promise<Message | undefined> {
    while (this.#readers.has(reader)) {
      const message = this.#newsFor(reader);
      if (message !== undefined) {
        reader.sentAt = this.#options.now();
        return message;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      reader.wake = resolve;
      await promise;
    }
  }

  #newsFor(reader: Reader): Message | undefined {
    const { sequence } = reader;
    if (sequence === this.#sequence) {
      const isQuiet = this.#options.now() - reader.sentAt >= API.signOfLifeMs;
      return isQuiet ? SIGN_OF_LIFE : undefined;
    }
    const missed = sequence === undefined ? NaN : this.#sequence - sequence;
    if (missed > 0 && missed <= this.#deltas.length) {
      reader.sequence = sequence! + 1;
      return this.#deltas[this.#deltas.length - missed];
    }
    if (this.#whole === undefined) this.#whole = this.#encode("state", this.state());
    reader.sequence = this.#sequence;
    return this.#whole;
  }

  /** A message of server-sent events: JSON has no line breaks, so it is one line of data. */
  #encode(event: "state" | "delta", data: JsonObject): Message {
    return toUtf8(`id: ${this.#sequence}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
