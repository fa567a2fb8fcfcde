/** `peer service`: writes the files with which a system runs the program by itself, and prints the next commands. */
import { dirname, resolve } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { messageOf } from "../../errors.ts";
import { PORTS } from "../../settings.ts";
import { isPathOption } from "../definitions/option_kinds.ts";
import { isInUse } from "../control/home_in_use.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { printLine } from "../output.ts";
import type { StartOptions } from "../start_command.ts";
import { exists } from "../torrent_arguments.ts";
import { firewallLines, type ReachedPorts } from "./firewall.ts";
import { launchdPlan } from "./launchd.ts";
import { scheduledTaskPlan } from "./scheduled_task.ts";
import {
  type ServiceAction,
  type ServiceFile,
  type ServicePlan,
  type ServiceSetup,
  systemHome,
} from "./service_plan.ts";
import { systemdPlan } from "./systemd.ts";

/** Options of `service`. */
interface ServiceOptions {
  /** Undefined where the user has named no folder. */
  readonly home: string | undefined;
  readonly system?: boolean;
  readonly dryRun?: boolean;
}

/** The words after `service ACTION`, which are for `start`, and the command `start`, which parses them. */
interface StartWords {
  readonly words: readonly string[];
  readonly command: Command;
}

/** Installs, shows or removes the service of this system. Errors: `Failure`. */
export async function service(
  action: ServiceAction,
  options: ServiceOptions,
  start: StartWords,
): Promise<ExitCode> {
  const { os } = Deno.build;
  const isSystem = options.system ?? false;
  const home = options.home === undefined && isSystem ? systemHome(os) : resolve(options.home ?? ".");
  const args = [...await argumentsOf(start), "--home", home];
  const setup: ServiceSetup = { program: programWords(), args: ["start", ...args], home, isSystem };
  const hidden = [...setup.program, ...setup.args].find(hasControlCharacters);
  if (hidden !== undefined) {
    throw new Failure(
      EXIT.usage,
      "service",
      `Expected words without control characters, got ${JSON.stringify(hidden)}`,
    );
  }
  const plan = planFor(os, setup);
  switch (action) {
    case "install":
      return await install(plan, setup, start.command.opts<StartOptions>(), options.dryRun ?? false);
    case "status":
      return await status(plan, home);
    case "remove":
      return await remove(plan, options.dryRun ?? false);
  }
}

function planFor(os: typeof Deno.build.os, setup: ServiceSetup): ServicePlan {
  if (os === "windows") return scheduledTaskPlan(setup);
  return os === "darwin" ? launchdPlan(setup) : systemdPlan(setup);
}

/** The words that start this program again: the path of a compiled one, or the Deno task of the sources. */
function programWords(): string[] {
  if (Deno.build.standalone) return [execPath];
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  return [execPath, "task", "--quiet", "--config", config, "peer"];
}

function hasControlCharacters(word: string): boolean {
  return /\p{Cc}/u.test(word);
}

/** The words for `start`, with absolute paths, since a service starts in another folder. Errors: `Failure`. */
async function argumentsOf({ words, command }: StartWords): Promise<string[]> {
  const { operands, unknown } = command.parseOptions([...words]);
  if (unknown.length > 0) {
    throw new Failure(EXIT.usage, "service", `Expected options of start, got ${JSON.stringify(unknown[0])}`);
  }
  const pathOptions = new Set(command.options.filter(isPathOption).map(({ long }) => long!));
  const args: string[] = [];
  let isPath = false;
  for (const word of words) {
    const [name, value] = word.split(/=(.*)/s);
    if (value !== undefined && pathOptions.has(name)) args.push(name, resolve(value));
    else if (isPath || (operands.includes(word) && await exists(word))) args.push(resolve(word));
    else args.push(word);
    isPath = pathOptions.has(word);
  }
  return args;
}

async function install(
  plan: ServicePlan,
  setup: ServiceSetup,
  options: Partial<StartOptions>,
  isDry: boolean,
): Promise<ExitCode> {
  for (const file of plan.files) {
    if (isDry) printLine(`# ${file.path}\n${file.text.replaceAll("\r\n", "\n")}`);
    else await writeServiceFile(file);
  }
  if (!isDry) printLine(`Written: ${plan.files.map(({ path }) => path).join(", ")}`);
  printLine(
    `To enable and start the service${setup.isSystem ? ", as administrator" : ""}:\n  ${plan.enable}`,
  );
  const ports = reachedPorts(options);
  const names = [...ports.tcp.map((port) => `TCP ${port}`), ...ports.udp.map((port) => `UDP ${port}`)];
  printLine(`\nOthers reach it at ${names.join(", ")}. Where a firewall is on, as administrator:`);
  for (const line of firewallLines(Deno.build.os, ports, setup.program[0])) printLine(`  ${line}`);
  return EXIT.ok;
}

async function writeServiceFile({ path, text, isUtf16 }: ServiceFile): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, isUtf16 ? utf16(text) : new TextEncoder().encode(text));
  } catch (error) {
    const why = error instanceof Deno.errors.PermissionDenied
      ? "permission denied; run it as administrator, or look at it with --dry-run"
      : messageOf(error);
    throw new Failure(EXIT.failed, "service", `Cannot write ${path}: ${why}`, { cause: error });
  }
}

/** UTF-16 as Windows writes it: little-endian, after a byte order mark. */
function utf16(text: string): Uint8Array<ArrayBuffer> {
  const marked = `\uFEFF${text}`;
  const bytes = new Uint8Array(2 * marked.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < marked.length; at++) view.setUint16(2 * at, marked.charCodeAt(at), true);
  return bytes;
}

/** The ports on which a peer with these options listens, except ports that the system will pick. */
function reachedPorts({ port, trackerPort, tracker, lsd }: Partial<StartOptions>): ReachedPorts {
  const peerPort = port ?? PORTS.peer.first;
  const trackerPorts = tracker === false ? [] : [trackerPort ?? PORTS.tracker.first];
  const isKnown = (port: number) => port > 0;
  return {
    tcp: [peerPort, ...trackerPorts].filter(isKnown),
    udp: [...trackerPorts, ...(lsd === false ? [] : [PORTS.localDiscovery])].filter(isKnown),
  };
}

async function status({ files, look }: ServicePlan, home: string): Promise<ExitCode> {
  const isThere = await Promise.all(files.map(({ path }) => exists(path)));
  if (!isThere.every(Boolean)) {
    printLine("not installed");
    return EXIT.failed;
  }
  printLine(`installed: ${files.map(({ path }) => path).join(", ")}`);
  printLine(await isInUse(home) ? `running in ${home}` : `not running in ${home}`);
  printLine(`More: ${look}`);
  return EXIT.ok;
}

async function remove({ files, disable }: ServicePlan, isDry: boolean): Promise<ExitCode> {
  for (const { path } of files) {
    try {
      if (!isDry) await Deno.remove(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw new Failure(EXIT.failed, "service", `Cannot remove ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    printLine(`${isDry ? "Would remove" : "Removed"}: ${path}`);
  }
  printLine(`To stop the service and forget it:\n  ${disable}`);
  return EXIT.ok;
}
