import { TerminalScreen } from "../progress/terminal_screen.ts";

/** A person at a terminal. */
export interface Keyboard {
  /** Writes a line for the person. */
  say(line: string): void;
  /** Asks, and returns the line that the person enters, without blanks around it. Errors: the reason of `stop`. */
  ask(question: string, stop: AbortSignal): Promise<string>;
}

/** The person at standard input and output. The process must end by `Deno.exit`, as a read that waits cannot be ended. */
export function keyboardHere(): Keyboard {
  const screen = new TerminalScreen(Deno.stdout);
  const decoder = new TextDecoder();
  let rest = "";
  const line = async () => {
    const bytes = new Uint8Array(1_024);
    while (!rest.includes("\n")) {
      const length = await Deno.stdin.read(bytes);
      if (length === null) break;
      rest += decoder.decode(bytes.subarray(0, length), { stream: true });
    }
    const [first, ...others] = rest.split("\n");
    rest = others.join("\n");
    return first.trim();
  };
  return {
    say: (text) => screen.write(`${text}\n`),
    ask: async (question, stop) => {
      screen.write(question);
      const ended = Promise.withResolvers<never>();
      const end = () => ended.reject(stop.reason);
      stop.addEventListener("abort", end);
      try {
        stop.throwIfAborted();
        return await Promise.race([line(), ended.promise]);
      } finally {
        stop.removeEventListener("abort", end);
      }
    },
  };
}
