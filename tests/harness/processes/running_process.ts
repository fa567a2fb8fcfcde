/** Child processes of the interop tests: started with a clean environment, stopped by their own handle. */

/** How to start a program. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder, and HOME. */
  readonly cwd: string;
}

/** Starts a child process: `Deno.Command` here, or something that does so elsewhere. */
export type Spawn = (command: string, args: string[], options: Deno.CommandOptions) => Deno.ChildProcess;

const spawnHere: Spawn = (command, args, options) => new Deno.Command(command, { ...options, args }).spawn();

/** Lines of output kept to explain a failure. */
const TAIL_LINES = 12;
/** How long a program may take to stop politely before it is killed. */
const POLITE_STOP_MS = 6_000;

/** One running program, whose output is read all the time. */
export class RunningProcess implements AsyncDisposable {
  readonly command: string;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #tail: string[] = [];
  #exitCode: number | undefined;

  /**
   * Starts the program; `onLine` is told of each line of its standard output.
   *
   * Of our environment it gets PATH only, so that neither a proxy nor the user's own settings take part.
   */
  constructor(launch: Launch, onLine: (line: string) => void = () => {}, spawn: Spawn = spawnHere) {
    this.command = launch.command;
    this.#child = spawn(launch.command, [...launch.args], {
      cwd: launch.cwd,
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: launch.cwd, LANG: "C.UTF-8", ...launch.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    this.#reading = Promise.all([
      this.#read(this.#child.stdout, onLine),
      this.#read(this.#child.stderr, () => {}),
      this.#child.status.then(({ code }) => this.#exitCode = code),
    ]);
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The exit code; undefined while it runs. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** The last lines it printed. */
  get tail(): string {
    return this.#tail.join("\n");
  }

  /** Ends the program and waits until it is gone. May be called again. */
  async stop(): Promise<void> {
    if (this.#exitCode === undefined) {
      this.#tell("SIGTERM");
      const killer = setTimeout(() => this.#tell("SIGKILL"), POLITE_STOP_MS);
      await this.#child.status;
      clearTimeout(killer);
    }
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** A process that has ended already cannot be told to, and we may not have heard of it yet. */
  #tell(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #read(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    onLine: (line: string) => void,
  ): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop() ?? "";
      for (const line of lines) this.#lineRead(line, onLine);
    }
    this.#lineRead(rest, onLine);
  }

  #lineRead(line: string, onLine: (line: string) => void): void {
    if (line.trim() === "") return;
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    onLine(line);
  }
}

/**
 * The first match of `pattern` in what a program prints; undefined when it cannot be run or prints no such thing.
 *
 * Programs print their version on either stream, so both are searched.
 */
export async function outputOf(
  command: string,
  args: string[],
  pattern: RegExp,
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return pattern.exec(text)?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
