/** The part of `npm:cli-progress` that is used here; the package has no types of its own. */

/** What the bars write to. Lines are drawn from the top, one `newline` between two of them. */
export interface Terminal {
  isTTY(): boolean;
  getWidth(): number;
  cursor(isShown: boolean): void;
  lineWrapping(isOn: boolean): void;
  cursorTo(column: number): void;
  /** Back to the start of the first line drawn. */
  cursorRelativeReset(): void;
  clearLine(): void;
  clearRight(): void;
  clearBottom(): void;
  newline(): void;
  /** `isRaw`: a line of the log, with its end. */
  write(text: string, isRaw?: boolean): void;
}

export interface Options {
  readonly terminal?: Terminal;
  readonly format?: (options: Options, params: { progress: number }, payload: never) => string;
  /** Redraws a second. */
  readonly fps?: number;
  readonly barsize?: number;
  readonly barCompleteChar?: string;
  readonly barIncompleteChar?: string;
  readonly hideCursor?: boolean;
  readonly forceRedraw?: boolean;
  readonly emptyOnZero?: boolean;
}

export interface Bar {
  setTotal(total: number): void;
  update(value: number, payload: object): void;
}

export class MultiBar {
  constructor(options: Options);
  create(total: number, value: number, payload: object): Bar;
  remove(bar: Bar): boolean;
  /** Draws now instead of at the next turn. */
  update(): void;
  log(line: string): void;
  stop(): void;
  on(event: "update-post" | "stop", listener: () => void): void;
}

declare const cliProgress: {
  MultiBar: typeof MultiBar;
  Format: {
    /** `barsize` columns of bar characters. */
    BarFormat(progress: number, options: Options): string;
  };
};
export default cliProgress;
