/**
 * Bytes from outside break a specification: a bad message, datagram or reply.
 *
 * Raised by `protocol/`; caught by the loop that owns the remote, which then closes or ignores that remote.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** A torrent or magnet link cannot be read or is unsafe. Told to the user; nothing is started. */
export class MetainfoError extends SyntaxError {
  override readonly name = "MetainfoError";
}

/** The disk refused. The torrent concerned pauses with this reason; others go on. */
export class StorageError extends Error {
  override readonly name: string = "StorageError";
}

/** Somebody changed, cut or deleted data we share or download. The torrent is looked through and joined anew. */
export class DataChangedError extends StorageError {
  override readonly name = "DataChangedError";
}

/**
 * The disk refused for the moment: no file descriptor is left, or another program holds the file. Nothing is lost: it
 * is tried again, or one peer is let go.
 */
export class BusyStorageError extends StorageError {
  override readonly name = "BusyStorageError";
}

/** A tracker could not be reached, or answered with a failure. The announce loop tries the next one. */
export class TrackerError extends Error {
  override readonly name = "TrackerError";
  /** Milliseconds the tracker asked us to stay away; absent when it named none (BEP 31). */
  readonly retryInMs?: number;
  /** Whether the tracker could not be reached at all, for whatever torrent. */
  readonly isOutage: boolean;

  constructor(message: string, { retryInMs, isOutage }: { retryInMs?: number; isOutage?: boolean } = {}) {
    super(message);
    if (retryInMs !== undefined) this.retryInMs = retryInMs;
    this.isOutage = isOutage ?? false;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
