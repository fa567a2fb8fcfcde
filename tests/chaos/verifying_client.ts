import { setTimeout as pause } from "node:timers/promises";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { concatBytes, equalBytes } from "../../lib/protocol/bytes.ts";
import { encodeHandshake, HANDSHAKE_LENGTH } from "../../lib/protocol/handshake.ts";
import { sha1 } from "../../lib/protocol/info_hash.ts";
import { type Metainfo, pieceHash } from "../../lib/protocol/metainfo.ts";
import { createPeerId } from "../../lib/protocol/peer_id.ts";
import { encodeAboutBlock, encodePlain, MessageId, MessageReader } from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { TRANSFER } from "../../lib/settings.ts";

/** Pause before a piece that was refused is asked for again. */
const REFUSED_PAUSE_MS = 200;

/** Asks one peer for all pieces it says it has, one after another, and holds each against its hash. */
export class VerifyingClient {
  /** Pieces that came and were right. */
  verified = 0;
  readonly #metainfo: Metainfo;
  readonly #connection: Deno.TcpConn;
  /** Pieces the peer says it has, and those not yet verified of them. */
  readonly #waiting = new Set<number>();
  readonly #random: () => number;
  #isChoked = true;
  /** The piece that is being fetched, and its blocks so far. */
  #piece: { readonly index: number; readonly bytes: Uint8Array; left: number } | undefined;

  private constructor(metainfo: Metainfo, connection: Deno.TcpConn, random: () => number) {
    this.#metainfo = metainfo;
    this.#connection = connection;
    this.#random = random;
  }

  /**
   * Verifies until the connection ends, as it does when the peer is killed. Returns the number of right pieces.
   *
   * Errors: `Error` when a piece is wrong.
   */
  static async run(port: number, metainfo: Metainfo, random: () => number): Promise<number> {
    let connection: Deno.TcpConn;
    try {
      connection = await Deno.connect({ hostname: "127.0.0.1", port });
    } catch {
      return 0;
    }
    const client = new VerifyingClient(metainfo, connection, random);
    try {
      await client.#read();
    } finally {
      connection.close();
    }
    return client.verified;
  }

  async #read(): Promise<void> {
    const peerId = createPeerId(crypto.getRandomValues(new Uint8Array(20)));
    await this.#send(
      encodeHandshake(this.#metainfo.infoHash, peerId),
      encodePlain(MessageId.haveNone),
      encodePlain(MessageId.interested),
    );
    const reader = new MessageReader(TRANSFER.maxMessageBytes);
    const buffer = new Uint8Array(TRANSFER.maxMessageBytes + 4);
    let filled = 0;
    let isIntroduced = false;
    for (;;) {
      const count = await this.#connection.read(buffer.subarray(filled)).catch(() => null);
      if (count === null) return;
      filled += count;
      if (!isIntroduced && filled < HANDSHAKE_LENGTH) continue;
      const start = isIntroduced ? 0 : HANDSHAKE_LENGTH;
      isIntroduced = true;
      const messages = buffer.subarray(start);
      reader.begins(messages, filled - start);
      while (reader.next()) await this.#received(reader);
      buffer.copyWithin(0, start + reader.consumed, filled);
      filled -= start + reader.consumed;
    }
  }

  async #received(reader: MessageReader): Promise<void> {
    const { pieceCount } = this.#metainfo.layout;
    switch (reader.id) {
      case MessageId.have:
        this.#waiting.add(reader.index);
        break;
      case MessageId.haveAll:
        for (const index of Bitfield.full(pieceCount)) this.#waiting.add(index);
        break;
      case MessageId.bitfield:
        for (const index of Bitfield.fromBytes(reader.payload, pieceCount)!) this.#waiting.add(index);
        break;
      case MessageId.choke:
        this.#isChoked = true;
        this.#giveUp();
        break;
      case MessageId.unchoke:
        this.#isChoked = false;
        break;
      case MessageId.reject:
        if (this.#piece?.index === reader.index) this.#giveUp();
        await pause(REFUSED_PAUSE_MS);
        break;
      case MessageId.piece:
        this.#blockReceived(reader.index, reader.begin, reader.payload);
        break;
    }
    if (this.#piece === undefined && !this.#isChoked) await this.#ask();
  }

  #giveUp(): void {
    if (this.#piece !== undefined) this.#waiting.add(this.#piece.index);
    this.#piece = undefined;
  }

  #blockReceived(index: number, begin: number, blockView: Uint8Array): void {
    const piece = this.#piece;
    // A block of a piece that was given up may still come.
    if (piece?.index !== index) return;
    piece.bytes.set(blockView, begin);
    piece.left -= blockView.length;
    if (piece.left > 0) return;
    if (!equalBytes(sha1(piece.bytes), pieceHash(this.#metainfo, index))) {
      throw new Error(`Expected piece ${index} of ${this.#metainfo.name} as it is, got wrong bytes`);
    }
    this.verified++;
    this.#piece = undefined;
  }

  async #ask(): Promise<void> {
    const { layout } = this.#metainfo;
    const index = [...this.#waiting][Math.floor(this.#random() * this.#waiting.size)];
    if (index === undefined) return;
    this.#waiting.delete(index);
    const length = layout.lengthOf(index);
    this.#piece = { index, bytes: new Uint8Array(length), left: length };
    const requests = Array.from({ length: layout.blocksIn(index) }, (_, block) => {
      const begin = block * BLOCK_LENGTH;
      return encodeAboutBlock(MessageId.request, index, begin, layout.blockLength(index, begin));
    });
    await this.#send(...requests);
  }

  /** What cannot be sent any more is of no interest: reading ends then, too. */
  async #send(...messages: readonly Uint8Array[]): Promise<void> {
    const bytes = concatBytes(...messages);
    for (let sent = 0; sent < bytes.length;) {
      const count = await this.#connection.write(bytes.subarray(sent)).catch(() => bytes.length);
      sent += count;
    }
  }
}
