/** Which tests run under Wine. `architecture_test.ts` sees to it that every folder of tests stands here. */

/** Each is one run of `deno test`. The longest come first, so that both machines end together. */
export const JOBS: readonly (readonly string[])[] = [
  ["tests/loopback"],
  ["tests/disk/crash_test.ts"],
  ["tests/net"],
  ["tests/disk"],
  ["tests/ui", "tests/log_test.ts"],
  ["tests/session"],
  ["tests/api", "tests/web"],
];

const PURE = "pure code, which makes no call of the system";
const OF_LINUX = "needs namespaces, addresses or signals that only Linux has";
/** What else is in `tests/`, and why it does not run here. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "tests/protocol": PURE,
  "tests/swarm": PURE,
  "tests/scenarios": PURE,
  "tests/fuzz": PURE,
  "tests/architecture_test.ts": "reads the sources only",
  "tests/hostile": OF_LINUX,
  "tests/chaos": OF_LINUX,
  "tests/soak": OF_LINUX,
  "tests/lan": OF_LINUX,
  "tests/bench": OF_LINUX,
  "tests/interop": "needs clients of Linux",
  "tests/browser": "needs a browser of Linux",
  "tests/compiled": "has a task of its own",
  "tests/compiled_test.ts": "has a task of its own",
  "tests/harness": "holds no tests",
  "tests/windows": "holds no tests",
};
