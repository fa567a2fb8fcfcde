/** What processes cost and what the loopback interface carried, as Linux tells it under `/proc`. */
import { statusBytes } from "../harness/processes/process_status.ts";

/** `/proc/PID/stat` counts CPU time in these, whatever the kernel's own clock (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU seconds a process has used so far, user and system, all its threads together. Steps of 0.01 s. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The program's name, in brackets, may hold spaces; user and system time are fields 14 and 15, it is field 2.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU seconds that the main thread of a process has used so far, to the nanosecond. */
export function mainThreadSeconds(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ")[0]) / 1e9;
}

/** Anonymous memory of a process in bytes: what it allocated itself, without mapped files and page cache. */
export function anonymousBytes(pid: number): number {
  return statusBytes(pid, "RssAnon") ?? 0;
}

/** Bytes that a network interface has carried so far, as a process sees it in its network namespace. */
interface InterfaceBytes {
  readonly received: number;
  readonly sent: number;
}

/** Counters of an interface in the network namespace of a process. */
export function interfaceBytes(name: string, pid = Deno.pid): InterfaceBytes {
  const table = Deno.readTextFileSync(`/proc/${pid}/net/dev`);
  const fields = new RegExp(`^ *${name}: *(.+)$`, "m").exec(table)?.[1].split(/ +/) ?? [];
  return { received: Number(fields[0] ?? 0), sent: Number(fields[8] ?? 0) };
}

/** What one process used during a measurement. */
export interface ProcessUse {
  readonly cpuSeconds: number;
  readonly peakAnonymousBytes: number;
}

/** Adds up what processes use from its creation until `stop`. Memory is looked at every `sampleMs`. */
export class ProcessMeter {
  readonly #pids: readonly number[];
  readonly #cpuBefore: readonly number[];
  readonly #peaks: number[];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pids: readonly number[], sampleMs = 50) {
    this.#pids = pids;
    this.#cpuBefore = pids.map(cpuSeconds);
    this.#peaks = pids.map(anonymousBytes);
    this.#timer = setInterval(() => this.#sampleMemory(), sampleMs);
  }

  /** Ends the measurement; one result per process, in the order of the constructor's list. */
  stop(): ProcessUse[] {
    this.cancel();
    this.#sampleMemory();
    return this.#pids.map((pid, i) => ({
      cpuSeconds: cpuSeconds(pid) - this.#cpuBefore[i],
      peakAnonymousBytes: this.#peaks[i],
    }));
  }

  /** Ends it without a result, also when processes are gone. */
  cancel(): void {
    clearInterval(this.#timer);
  }

  #sampleMemory(): void {
    this.#pids.forEach((pid, i) => this.#peaks[i] = Math.max(this.#peaks[i], anonymousBytes(pid)));
  }
}
