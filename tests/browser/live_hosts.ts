/** Hosts on a LAN of network namespaces, each with its peer, and with a Chromium that shows that peer's page to its user. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ControlClient } from "../../lib/api/client.ts";
import type { FleetView, InvitationView, ShareView, TorrentSummary } from "../../lib/api/shapes.ts";
import {
  type Browser,
  CHROMIUM,
  openChromium,
  type Page,
  PATIENCE_MS,
} from "../harness/processes/chromium.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { Lan } from "../lan/namespaces.ts";
import { complaintsOf } from "./looking.ts";

/** What the page may complain about in each test: a program that is not there, or knows the page's secret no more. */
const EXPECTED = /status of 40[0-9]|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE|ERR_EMPTY/;
const RATE_MBIT = 1_000;

/** `Deno.test` for tests with such hosts. */
export const liveTest = needs("linux", "root", "ip", "tc", "chromium", "playwright-core", "axe-core");

/** What was shared. */
type Shared = NonNullable<ShareView["shared"]>;

/** Waits until something holds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!await holds()) {
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await delay(50);
  }
}

/** Hosts called `pc-0`, `pc-1` and so on. */
export class LiveHosts implements AsyncDisposable {
  readonly lan: Lan;
  readonly #folder = Deno.makeTempDirSync({ prefix: "peer-page-" });
  readonly #end = new AsyncDisposableStack();
  readonly #runs = new Map<number, PeerRun>();
  readonly #browsers = new Map<number, Browser>();
  /** What pages complained of that they must not. */
  readonly #complaints: string[][] = [];

  private constructor(lan: Lan) {
    this.lan = lan;
    this.#end.defer(() => Deno.remove(this.#folder, { recursive: true }));
    this.#end.defer(() => this.lan.close());
  }

  /** So many hosts, whose peers run. */
  static async of(hosts: number): Promise<LiveHosts> {
    const all = new LiveHosts(await Lan.create(hosts, RATE_MBIT));
    await Promise.all(Array.from({ length: hosts }, (_, host) => all.start(host)));
    return all;
  }

  /** A path in the folder in which a host's peer runs. */
  home(host: number, ...names: string[]): string {
    return join(this.#folder, String(host), ...names);
  }

  /** Puts a file into the folder of what a host shares. */
  async put(host: number, name: string, content: Uint8Array): Promise<void> {
    const path = this.home(host, "shareable", name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeFile(path, content);
  }

  /** Whether a host has a file with this content. */
  async has(host: number, name: string, content: Uint8Array): Promise<boolean> {
    const found = await Deno.readFile(this.home(host, "shareable", name)).catch(() => undefined);
    return found !== undefined && Buffer.compare(found, content) === 0;
  }

  #spawn(host: number, args: readonly string[]): Deno.ChildProcess {
    const all = [...args, "--home", this.home(host)];
    const [command, ...rest] = new Program(Deno.env.get("PEER_BINARY")).commandLine(all);
    return this.lan.spawn(host, command, rest, { stdin: "null", stdout: "piped", stderr: "piped" });
  }

  /** Starts the peer of a host; resolves when it can be steered. */
  async start(host: number, ...args: string[]): Promise<void> {
    const options = ["start", "--name", `pc-${host}`, "--progress", "json", ...args];
    const run = new PeerRun(this.lan.address(host), this.#spawn(host, options));
    run.ended.catch(() => {});
    this.#runs.set(host, run);
    const canBeSteered = () => this.#with(host, () => Promise.resolve(true)).catch(() => false);
    while (!await canBeSteered()) await Promise.race([run.ended, delay(50)]);
  }

  /** Stops the peer of a host as Ctrl-C does. */
  async stop(host: number): Promise<void> {
    const run = this.#runs.get(host)!;
    this.#runs.delete(host);
    assert.ok(await run.stop());
  }

  /** Ends the peer of a host as a crash does. */
  async kill(host: number): Promise<void> {
    await this.#runs.get(host)!.kill();
    this.#runs.delete(host);
  }

  /** Holds the peer of a host, until the returned function is called. */
  async hold(host: number): Promise<() => void> {
    const { process: { pid } } = await this.ask<{ process: { pid: number } }>(host, "/session");
    Deno.kill(pid, "SIGSTOP");
    return () => Deno.kill(pid, "SIGCONT");
  }

  /** Runs a command on a host, and returns what it prints. */
  async run(host: number, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#spawn(host, args).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return out.trimEnd();
  }

  async #with<T>(host: number, use: (client: ControlClient) => Promise<T>): Promise<T> {
    using client = await ControlClient.open(this.home(host));
    return await use(client);
  }

  /** Asks the peer of a host. */
  async ask<Answer>(host: number, path: string): Promise<Answer> {
    return await this.#with(host, (client) => client.get(path)) as unknown as Answer;
  }

  /** The torrent of this name on a host; undefined where there is none. */
  async torrent(host: number, name: string): Promise<TorrentSummary | undefined> {
    const { torrents } = await this.ask<{ torrents: Record<string, TorrentSummary> }>(host, "/state");
    return Object.values(torrents).find((torrent) => torrent.name === name);
  }

  /** Shares a file or folder that a host has, without its page. */
  async share(host: number, name: string): Promise<Shared> {
    const { id } = await this.#with(
      host,
      (client) => client.post("/shares", { path: this.home(host, "shareable", name) }),
    );
    let shared: Shared | undefined;
    await until(`${name} is shared`, async () => {
      const { shares } = await this.ask<{ shares: ShareView[] }>(host, "/shares");
      shared = shares.find((share) => share.id === id)?.shared;
      return shared !== undefined;
    });
    return shared!;
  }

  /** Makes the first host the lead of a fleet of all, in which each asks its user. */
  async makeFleet(): Promise<void> {
    await this.run(0, "fleet", "create", "room 7");
    const { code } = JSON.parse(await this.run(0, "fleet", "invite", "--json")) as InvitationView;
    for (let host = 1; host < this.lan.hosts; host++) {
      await this.run(host, "fleet", "join", ...code.split(" "));
    }
    await until("all members are met", async () => {
      const { fleet } = await this.ask<FleetView>(0, "/fleet");
      return fleet!.members.filter(({ isHere }) => isHere).length === this.lan.hosts - 1;
    });
  }

  /** The address of a host's page, with its secret. */
  async address(host: number): Promise<string> {
    return (await this.ask<{ page: string }>(host, "/web")).page;
  }

  /** A tab in the browser of a host, which nothing is shown in yet. */
  async tab(host: number): Promise<Page> {
    const browser = this.#browsers.get(host) ?? await this.#openBrowser(host);
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    this.#complaints.push(complaintsOf(page, EXPECTED));
    return page;
  }

  /** The page of a host, as it is when it has just been opened. */
  async open(host: number): Promise<Page> {
    const page = await this.tab(host);
    await page.goto(await this.address(host));
    await page.waitForSelector("main");
    return page;
  }

  async #openBrowser(host: number): Promise<Browser> {
    const program = join(this.#folder, `chromium-${host}.sh`);
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\nexec ${this.lan.commandLine(host, CHROMIUM).join(" ")} "$@"\n`,
      { mode: 0o755 },
    );
    const browser = this.#end.use(await openChromium([], program));
    this.#browsers.set(host, browser);
    return browser;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#runs.keys()) this.#end.defer(() => this.stop(host));
    await this.#end.disposeAsync();
    assert.deepEqual(this.#complaints.flat(), []);
  }
}
