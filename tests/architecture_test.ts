/** The rules of the source tree that no compiler checks: who may import whom, what pure code never uses, sizes. */
import assert from "node:assert/strict";
import { JOBS, LEFT_OUT } from "./windows/jobs.ts";

const ROOT = new URL("../", import.meta.url);
const MAX_LINES = 450;

/** What the files of one place may import: prefixes of paths below the root, and npm packages where named. */
interface Rule {
  /** Prefix of the importing file's path; the longest that fits is the one that counts. */
  readonly from: string;
  readonly mayImport: readonly string[];
  /** Packages allowed; undefined for all in `deno.json` and everything of `node:`. */
  readonly packages?: readonly string[];
}

const ROOT_FILES = [
  "lib/errors.ts",
  "lib/settings.ts",
  "lib/buffer_pool.ts",
  "lib/log.ts",
  "lib/surroundings.ts",
  "lib/precedence.ts",
];
const BELOW_UI = [
  "lib/protocol/",
  "lib/swarm/",
  "lib/net/",
  "lib/disk/",
  ...ROOT_FILES,
  "lib/session/",
];
const RULES: readonly Rule[] = [
  {
    from: "lib/protocol/",
    mayImport: ["lib/protocol/", "lib/errors.ts"],
    packages: ["bencode", "ipaddr.js", "@scure/bip39/wordlists/english.js", "@noble/curves/nist.js"],
  },
  {
    from: "lib/swarm/",
    mayImport: [
      "lib/swarm/",
      "lib/protocol/",
      "lib/errors.ts",
      "lib/settings.ts",
      "lib/buffer_pool.ts",
      "lib/surroundings.ts",
    ],
  },
  { from: "lib/net/", mayImport: ["lib/net/", "lib/protocol/", "lib/swarm/", ...ROOT_FILES] },
  { from: "lib/disk/", mayImport: ["lib/disk/", "lib/protocol/", "lib/swarm/ports.ts", ...ROOT_FILES] },
  {
    from: "lib/ui/",
    mayImport: [
      "lib/ui/",
      "lib/api/api.ts",
      "lib/api/client.ts",
      "lib/session/session.ts",
      "lib/session/torrent_tools.ts",
      "lib/settings.ts",
      "lib/log.ts",
      "lib/errors.ts",
      "lib/precedence.ts",
      "lib/protocol/edit_distance.ts",
    ],
  },
  {
    from: "lib/api/",
    mayImport: [
      "lib/api/",
      "lib/web/pages.ts",
      "lib/session/",
      "lib/net/http/",
      "lib/net/addresses/",
      "lib/protocol/",
      "lib/disk/time_slices.ts",
      "lib/settings.ts",
      "lib/log.ts",
      "lib/errors.ts",
    ],
  },
  { from: "lib/session/", mayImport: BELOW_UI },
  // It runs in a browser.
  {
    from: "lib/web/",
    mayImport: [
      "lib/web/",
      "lib/api/event_reader.ts",
      "lib/api/merge_patch.ts",
      "lib/ui/number_format.ts",
      "lib/ui/progress/room_text.ts",
      "lib/ui/progress/event_texts.ts",
      "lib/ui/progress/offer_text.ts",
      // Types alone: nothing of them is in the bundle.
      "lib/api/shapes.ts",
      "lib/session/session.ts",
    ],
    packages: ["preact", "preact/hooks", "@preact/signals", "uqr"],
  },
  // The logger cleans text from outside; the limits of settings have their shape from who keeps them.
  { from: "lib/log.ts", mayImport: ["lib/protocol/printable.ts", "lib/protocol/secrets.ts"] },
  { from: "lib/settings.ts", mayImport: ["deno.json", "lib/protocol/", "lib/swarm/"] },
  { from: "lib/surroundings.ts", mayImport: ["lib/protocol/", "lib/log.ts", "lib/settings.ts"] },
  { from: "lib/errors.ts", mayImport: [] },
  { from: "lib/buffer_pool.ts", mayImport: [] },
  { from: "lib/precedence.ts", mayImport: [] },
  { from: "main.ts", mayImport: ["lib/ui/cli.ts"] },
];

/** Rooms that are neighbours and must not know each other: the importing file, and what it never imports. */
const STRANGERS: readonly (readonly [from: RegExp, never: RegExp])[] = [
  [/^lib\/swarm\/download\//, /^lib\/swarm\/upload\//],
  [/^lib\/swarm\/upload\//, /^lib\/swarm\/download\//],
  [/^lib\/swarm\/peers\//, /^lib\/swarm\/(download|upload)\//],
  [/^lib\/net\/tracker\/\w*tracker(_server)?\.ts$/, /^lib\/net\/tracker\/(\w*_client|announcer)\.ts$/],
];

/** A folder holds at most so many files, so that a newcomer can keep it in mind; the specifications are many. */
const MAX_FILES = 20;
const LARGE_FOLDERS = ["lib/protocol/", "tests/protocol/"];

/** Folders of a home and results of tasks, which are not part of the source tree. */
const PLACES_OF_USERS = ["torrents/", "shareable/", "state/", "dist/"];

/** Types may be imported from anywhere below by the user interface, which shows what they describe. */
const TYPES_FROM_ANYWHERE = ["lib/ui/"];

/** Synchronous and without effect, so as good as a function of our own. */
const ALLOWED_IN_PURE = [
  `import { Buffer } from "node:buffer";`,
  `import { createHash } from "node:crypto";`,
  `import * as native from "node:crypto";`,
];

/** What makes code depend on more than its arguments. */
const IMPURE: ReadonlyMap<string, RegExp> = new Map([
  ["Deno", /\bDeno\b/],
  ["node:", /["']node:/],
  ["a timer", /\b(set|clear)(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/],
  ["Date", /\bDate\b/],
  ["performance", /\bperformance\b/],
  ["Math.random", /\bMath\.random\b/],
  ["random bytes", /\bcrypto\.|\brandom(Bytes|UUID)\b/],
  ["async code", /\basync\b|\bawait\b/],
  ["the console", /\bconsole\b/],
  ["the network", /\bfetch\s*\(/],
]);

/** Files above `MAX_LINES`, each with the reason. */
const LONG_FILES: ReadonlyMap<string, string> = new Map([
  [
    "lib/swarm/swarm.ts",
    "what a connection, the disk, the clock and the user tell a torrent: a few lines each",
  ],
  [
    "lib/session/session.ts",
    "everything that a user, a page or a program can ask of the process: a few lines each",
  ],
  ["lib/session/torrent.ts", "the states of a torrent, and every order to it: a few lines each"],
  ["lib/settings.ts", "a table: one entry a setting, each with its unit and its reason"],
]);

interface SourceFile {
  /** Path below the root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out; strings and line breaks stay. */
  readonly code: string;
  readonly imports: readonly Import[];
}

interface Import {
  /** Path below the root for a file of ours, else the specifier as written. */
  readonly target: string;
  readonly isFile: boolean;
  readonly isType: boolean;
}

/** Source files, TypeScript and TSX. */
const SOURCE = /\.tsx?$/;

async function* filesIn(folder: URL, ending: RegExp): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* filesIn(new URL(`${entry.name}/`, folder), ending);
    else if (ending.test(entry.name)) yield new URL(entry.name, folder);
  }
}

/** Blanks out comments; strings, templates and the common forms of regular expressions are stepped over. */
function withoutComments(text: string): string {
  const tokens =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[(,=:?&|!]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;
  return text.replace(tokens, (token) => /^\/[*/]/.test(token) ? token.replace(/[^\n]/g, " ") : token);
}

function importsOf(code: string, file: URL): Import[] {
  const statements =
    /^\s*(?:import|export)\s+(type\s+)?([^"';]*?)\s*\bfrom\s*["']([^"']+)["']|\bimport\s*\(\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bnew URL\(\s*["'](\.[^"']+\.ts)["']/gm;
  return [...code.matchAll(statements)].map(([, type, names, from, dynamic, bare, worker]) => {
    const specifier = from ?? dynamic ?? bare ?? worker;
    const isFile = specifier.startsWith(".");
    const listed = /^\{(.*)\}$/s.exec(names ?? "")?.[1].split(",").map((name) => name.trim());
    return {
      target: isFile ? pathBelowRoot(new URL(specifier, file)) : specifier,
      isFile,
      isType: type !== undefined ||
        (listed?.every((name) => name === "" || name.startsWith("type ")) ?? false),
    };
  });
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/\w+/g));
}

function pathBelowRoot(file: URL): string {
  return decodeURIComponent(file.href.slice(ROOT.href.length));
}

async function readSources(): Promise<SourceFile[]> {
  const urls = await Array.fromAsync(filesIn(new URL("lib/", ROOT), SOURCE));
  const main = new URL("main.ts", ROOT);
  if (await exists(main)) urls.push(main);
  return Promise.all(urls.map(async (url) => {
    const text = await Deno.readTextFile(url);
    const code = withoutComments(text);
    return { path: pathBelowRoot(url), text, code, imports: importsOf(code, url) };
  }));
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.lstat(url);
    return true;
  } catch {
    return false;
  }
}

const sources = await readSources();
const isPure = ({ path }: SourceFile) => path.startsWith("lib/protocol/") || path.startsWith("lib/swarm/");

function ruleOf(path: string): Rule | undefined {
  return RULES.find((rule) => path === rule.from || (rule.from.endsWith("/") && path.startsWith(rule.from)));
}

function isAllowed({ target, isFile, isType }: Import, source: SourceFile, rule: Rule): boolean {
  if (isFile) {
    if (isType && TYPES_FROM_ANYWHERE.some((folder) => source.path.startsWith(folder))) return true;
    return rule.mayImport.some((place) =>
      target === place || (place.endsWith("/") && target.startsWith(place))
    );
  }
  if (target.startsWith("node:")) return true; // Banned names cover pure code.
  return rule.packages === undefined || rule.packages.includes(target);
}

Deno.test("architecture: every file of lib belongs to a place that has a rule", () => {
  assert.ok(sources.length > 10);
  assert.deepEqual(sources.filter(({ path }) => ruleOf(path) === undefined).map(({ path }) => path), []);
});

Deno.test("architecture: imports follow the dependency rule", () => {
  const violations = sources.flatMap((source) => {
    const rule = ruleOf(source.path);
    if (rule === undefined) return [];
    return source.imports.filter((used) => !isAllowed(used, source, rule)).map(({ target }) =>
      `${source.path} → ${target}`
    );
  });
  assert.deepEqual(violations, []);
});

Deno.test("architecture: every name that is exported is used in another file, be it of tests", async () => {
  const files = await Array.fromAsync(filesIn(new URL("tests/", ROOT), SOURCE));
  const tests = await Promise.all(files.map(async (url) => {
    const text = await Deno.readTextFile(url);
    return { path: pathBelowRoot(url), imports: importsOf(text, url), words: wordsOf(text) };
  }));
  const users = [...sources.map((source) => ({ ...source, words: wordsOf(source.code) })), ...tests];
  const unused = sources.flatMap(({ path, code }) => {
    const importers = users.filter(({ imports }) => imports.some(({ target }) => target === path));
    const names = [
      ...code.matchAll(
        /^export\s+(?:async\s+|abstract\s+)*(?:const|let|class|function\*?|type|interface)\s+(\w+)/gm,
      ),
    ];
    return names.map(([, name]) => name).filter((name) => !importers.some(({ words }) => words.has(name)))
      .map((name) => `${path}: ${name}`);
  });
  assert.deepEqual(unused, []);
});

Deno.test("architecture: neighbouring rooms do not import each other", () => {
  const violations = sources.flatMap(({ path, imports }) =>
    STRANGERS.filter(([from]) => from.test(path)).flatMap(([, never]) =>
      imports.filter(({ target }) => never.test(target)).map(({ target }) => `${path} → ${target}`)
    )
  );
  assert.deepEqual(violations, []);
});

Deno.test(`architecture: folders hold at most ${MAX_FILES} files`, async () => {
  const counts = new Map<string, number>();
  for (const folder of ["lib/", "tests/"]) {
    for await (const file of filesIn(new URL(folder, ROOT), SOURCE)) {
      const path = pathBelowRoot(new URL(".", file));
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
  }
  const large = [...counts].filter(([path, count]) => count > MAX_FILES && !LARGE_FOLDERS.includes(path));
  assert.deepEqual(large, []);
});

Deno.test("architecture: the page of each folder of lib names all its files", async () => {
  const missing: string[] = [];
  for (const { path } of sources.filter(({ path }) => path.startsWith("lib/"))) {
    const [folder, name] = [path.slice(0, path.lastIndexOf("/") + 1), path.slice(path.lastIndexOf("/") + 1)];
    const own = new URL(`${folder}README.md`, ROOT);
    // A small room is described on the page of the folder around it.
    const page = await exists(own) ? own : new URL("../README.md", own);
    if (!new RegExp(`[\`/]${name}\``).test(await Deno.readTextFile(page))) missing.push(path);
  }
  assert.deepEqual(missing, []);
});

Deno.test("architecture: packages come from deno.json, none by address", async () => {
  const { imports, scopes } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const named = [...Object.keys(imports), ...Object.keys(scopes["./lib/web/"])];
  const violations = sources.flatMap(({ path, imports }) =>
    imports.filter(({ target, isFile }) =>
      !isFile && !target.startsWith("node:") &&
      !named.some((name) => target === name || target.startsWith(`${name}/`))
    )
      .map(({ target }) => `${path} → ${target}`)
  );
  assert.deepEqual(violations, []);
});

Deno.test("architecture: whoever runs the program fetches the packages that it imports, and no others", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const { specifiers, npm } = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  const program = sources.filter(({ path }) => !path.startsWith("lib/web/"));
  const used = Object.keys(imports).filter((name) =>
    program.some((source) =>
      source.imports.some(({ target }) => target === name || target.startsWith(`${name}/`))
    )
  );
  const reached = new Set<string>();
  const reach = (id: string) => {
    if (reached.has(id)) return;
    reached.add(id);
    for (const needed of npm[id].dependencies ?? []) {
      // The lock leaves a version out where there is only one.
      reach(Object.keys(npm).find((other) => other === needed || other.startsWith(`${needed}@`))!);
    }
  };
  for (const name of used) reach(`${name}@${specifiers[imports[name]]}`);
  assert.deepEqual(Object.keys(npm), [...reached].sort());
});

Deno.test("architecture: protocol and swarm read no clock, socket, file or random number, and never wait", () => {
  const violations = sources.filter(isPure).flatMap(({ path, code }) =>
    code.split("\n").flatMap((line, at) => {
      if (path.startsWith("lib/protocol/") && ALLOWED_IN_PURE.includes(line.trim())) return [];
      return [...IMPURE].filter(([, pattern]) => pattern.test(line)).map(([what]) =>
        `${path}:${at + 1} uses ${what}`
      );
    })
  );
  assert.deepEqual(violations, []);
});

Deno.test("architecture: the system clock, which may jump, is looked at only to be shown and as `wallClock`", () => {
  const shown = [
    "lib/log.ts",
    "lib/session/torrent_tools.ts",
    "lib/session/surroundings.ts",
    "lib/api/",
    "lib/ui/",
    "lib/web/",
  ];
  const violations = sources.filter(({ path }) => !shown.some((place) => path.startsWith(place)))
    .flatMap(({ path, code }) => /\bDate\b/.test(code) ? [path] : []);
  assert.deepEqual(violations, []);
});

Deno.test("architecture: files of lib do not import one another in a circle", () => {
  const valueImports = new Map(sources.map(({ path, imports }) => [
    path,
    imports.filter(({ isFile, isType }) => isFile && !isType).map(({ target }) => target),
  ]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(path), `Expected no circle, got ${[...trail, path].join(" → ")}`);
    if (done.has(path)) return;
    for (const target of valueImports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of valueImports.keys()) visit(path, []);
});

Deno.test(`architecture: files of lib have at most ${MAX_LINES} lines`, () => {
  const tooLong = sources.filter(({ path }) => !LONG_FILES.has(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(tooLong, []);
});

Deno.test("architecture: the glossary's word is block, never chunk", () => {
  // Deno KV limits the size of a value, so resume state is cut into chunks; HTTP sends bodies in chunks. Neither is a block.
  const others = /^lib\/(disk\/state\/resume_store|net\/http\/\w+|api\/exchange|protocol\/http_reply)\.ts$/;
  const violations = sources.filter(({ path }) => !others.test(path)).flatMap((
    { path, text },
  ) => text.split("\n").flatMap((line, at) => /chunk/i.test(line) ? [`${path}:${at + 1}`] : []));
  assert.deepEqual(violations, []);
});

Deno.test("architecture: every path named on the pages of this project exists", async () => {
  const pages = [new URL("README.md", ROOT), new URL("tests/README.md", ROOT)];
  for await (const page of filesIn(new URL("lib/", ROOT), /^README\.md$/)) pages.push(page);
  const missing: string[] = [];
  for (const page of pages) {
    const text = await Deno.readTextFile(page);
    const named = [
      ...[...text.matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.ts|(?:\w+\/)+)`/g)].map(([, path]) => path),
      ...[...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path),
    ].filter((path) => !PLACES_OF_USERS.some((place) => path.startsWith(place)));
    for (const path of new Set(named)) {
      // A file may be named without the room it lies in, as each page speaks of its own rooms.
      if (sources.some((source) => source.path.endsWith(`/${path}`))) continue;
      if (!await exists(new URL(path, page)) && !await exists(new URL(path, ROOT))) {
        missing.push(`${pathBelowRoot(page)}: ${path}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("architecture: lib/README.md names the permissions of deno.json; they and all other flags are the same however it is started", async () => {
  const { tasks, unstable } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const flagsOf = (task: string) =>
    [...task.matchAll(/--(?:allow|deny|no-prompt)[^\s`]*/g)].map(([flag]) => flag).sort();
  const flags = flagsOf(tasks.peer);
  assert.ok(flags.length > 0 && !flags.some((flag) => flag.startsWith("--allow-all")));
  const engine = (task: string) => /--v8-flags=\S+/.exec(task)?.[0];
  for (const task of ["compile", "compile:target"]) {
    assert.deepEqual(flagsOf(tasks[task]), flags, task);
    assert.equal(engine(tasks[task]), engine(tasks.peer), task);
    // How modules are found and read is the bundler's matter.
    const ofModules = ["raw-imports", "lazy-dynamic-imports"];
    const needed = unstable.filter((feature: string) => !ofModules.includes(feature));
    assert.deepEqual(
      [...tasks[task].matchAll(/--unstable-(\S+)/g)].map(([, feature]) => feature),
      needed,
      task,
    );
  }
  const readme = await Deno.readTextFile(new URL("lib/README.md", ROOT));
  const table = /\| permission .*?\n\n/s.exec(readme)?.[0] ?? "";
  assert.deepEqual(flagsOf(table), flags);
});

Deno.test("architecture: lib uses nothing that its permissions do not cover, and all that they name", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const listed = (kind: string) =>
    new RegExp(`--allow-${kind}=(\\S+)`).exec(tasks.peer)?.[1].split(",").sort() ?? [];
  const used = (pattern: RegExp) =>
    [...new Set(sources.flatMap(({ code }) => [...code.matchAll(pattern)].map(([, name]) => name)))].sort();
  const forbidden =
    /\bDeno\.(Command|dlopen|run|env|execPath|kill)\b|child_process|node:(cluster|vm|inspector)|process\.env/;
  assert.deepEqual(sources.filter(({ code }) => forbidden.test(code)).map(({ path }) => path), []);
  assert.deepEqual(
    used(
      /\b(networkInterfaces|hostname|osRelease|osUptime|loadavg|systemMemoryInfo|uid|gid|memoryUsage|statfs)\(/g,
    ),
    listed("sys"),
  );
  const environment = used(/\benv\.([A-Z_]+)/g);
  assert.deepEqual(environment.filter((name) => !listed("env").includes(name)), []);
});

Deno.test("architecture: all tests run on Windows, or the reason why they do not is given", async () => {
  const known = [...JOBS.flat(), ...Object.keys(LEFT_OUT)];
  const forgotten: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL("tests", ROOT))) {
    const hasTests = isDirectory || name.endsWith("_test.ts");
    if (hasTests && !known.includes(`tests/${name}`)) forgotten.push(name);
  }
  assert.deepEqual(forgotten, []);
});
