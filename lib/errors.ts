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

/** The disk refused an operation. The torrent concerned pauses with this reason; other torrents go on. */
export class StorageError extends Error {
  override readonly name: string = "StorageError";
}

/** Something else lies where a file or folder is to be: a link, a folder, a file. Once it is moved away, all is well. */
export class ObstacleError extends StorageError {}

/** Another process uses this home. A command that only wants its torrent shared gives it to that process. */
export class HomeInUseError extends StorageError {
  override readonly name = "HomeInUseError";
}

/** Somebody changed, cut or deleted data that we share or download. The torrent is checked and joined again. */
export class DataChangedError extends StorageError {
  override readonly name = "DataChangedError";
}

/**
 * The disk refused an operation for the moment: no file descriptor is left, or another program holds the file. Nothing
 * is lost: the caller tries again, or lets one peer go.
 */
export class BusyStorageError extends StorageError {
  override readonly name = "BusyStorageError";
}

/** A tracker could not be reached, or answered with a failure. The announce loop tries the next one. */
export class TrackerError extends Error {
  override readonly name = "TrackerError";
  /** Milliseconds for which the tracker asked us to stay away; absent when it named no time (BEP 31). */
  readonly retryInMs?: number;
  /** Whether the tracker could not be reached at all, so that no torrent can announce to it. */
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
