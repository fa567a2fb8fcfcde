/** A running process that answers from tables, in the shapes of the HTTP interface. */
import type { Remote } from "../../../lib/ui/control/remote.ts";
import type { State, TorrentSummary } from "../../../lib/api/shapes.ts";
import { processSummary } from "../../harness/sessions/api_shapes.ts";

/** Milliseconds since 1970, at which the fake state was taken. */
export const NOW = 1_796_000_000_000;

/** A state with these torrents. */
export function stateWith(...torrents: TorrentSummary[]): State {
  return {
    sequence: 1,
    time: NOW,
    process: processSummary(),
    torrents: Object.fromEntries(torrents.map((torrent) => [torrent.infoHash, torrent])),
  };
}

/** Answers `get` from `answers` by path, and keeps what `post` was given. */
export class FakeRemote implements Remote {
  readonly posted: [path: string, body: object][] = [];
  readonly #answers: Readonly<Record<string, object>>;

  constructor(answers: Readonly<Record<string, object>>) {
    this.#answers = answers;
  }

  get(path: string): Promise<object> {
    const answer = this.#answers[path];
    return answer === undefined
      ? Promise.reject(new Error(`Expected a known path, got ${path}`))
      : Promise.resolve(answer);
  }

  post(path: string, body: object = {}): Promise<object> {
    this.posted.push([path, JSON.parse(JSON.stringify(body))]);
    return Promise.resolve(this.#answers[path] ?? {});
  }

  /** Tells the state once. */
  async *events() {
    yield { event: "state" as const, data: await this.get("/state") };
  }

  [Symbol.dispose](): void {}
}

/** Runs a command and returns the lines that it printed. */
export async function printed(run: () => Promise<unknown>): Promise<string[]> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line) => lines.push(line);
  try {
    await run();
    return lines;
  } finally {
    console.log = log;
  }
}
