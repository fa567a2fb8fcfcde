/**
 * A fleet, each host a namespace of its own. With `PEER_BINARY` the hosts run that program, and otherwise this checkout.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ControlClient } from "../../lib/api/client.ts";
import type { FleetView, InvitationView } from "../../lib/api/shapes.ts";
import { randomBytes } from "../harness/data/random.ts";
import { PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { Lan } from "./namespaces.ts";
import { SleepingHost } from "./sleeping_host.ts";

const lanTest = needs("linux", "root", "ip", "tc");

/** How long something may take that takes a moment, also on a busy machine. */
const PATIENCE_MS = 60_000;

const data = randomBytes(4 * 1024 * 1024, 7);

/** Hosts of which the first one is the lead; each is called `pc-N`. */
class Room implements AsyncDisposable {
  readonly lan: Lan;
  readonly #folder = Deno.makeTempDirSync({ prefix: "peer-fleet-" });
  readonly #runs = new Map<number, PeerRun>();

  private constructor(lan: Lan) {
    this.lan = lan;
  }

  static async of(hosts: number): Promise<Room> {
    return new Room(await Lan.create(hosts, 1_000));
  }

  home(host: number, ...names: string[]): string {
    return join(this.#folder, String(host), ...names);
  }

  #spawn(host: number, args: readonly string[]): Deno.ChildProcess {
    const [command, ...rest] = new Program(Deno.env.get("PEER_BINARY")).commandLine([
      ...args,
      "--home",
      this.home(host),
    ]);
    return this.lan.spawn(host, command, rest, { stdin: "null", stdout: "piped", stderr: "piped" });
  }

  /** Starts the peer of a host, and resolves when it can be steered. */
  async start(host: number): Promise<void> {
    const args = ["start", "--name", `pc-${host}`, "--progress", "json", "--no-web"];
    const run = new PeerRun(this.lan.address(host), this.#spawn(host, args));
    this.#runs.set(host, run);
    const canBeSteered = () =>
      ControlClient.open(this.home(host)).then((client) => client.close()).then(() => true, () => false);
    while (!await canBeSteered()) await Promise.race([run.ended, delay(50)]);
  }

  async startAll(): Promise<void> {
    await Promise.all(Array.from({ length: this.lan.hosts }, (_, host) => this.start(host)));
  }

  async stop(host: number): Promise<void> {
    assert(await this.#runs.get(host)!.stop());
    this.#runs.delete(host);
  }

  /** Runs a command on a host, and returns what it prints. */
  async run(host: number, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#spawn(host, args).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return out.trimEnd();
  }

  /** How a command fails that is to fail. */
  async failureOf(host: number, ...args: string[]): Promise<string> {
    const { code, stderr } = await this.#spawn(host, args).output();
    assert.notEqual(code, 0);
    return new TextDecoder().decode(stderr);
  }

  /** The fleet as a host sees it. */
  async view(host: number): Promise<NonNullable<FleetView["fleet"]>> {
    using client = await ControlClient.open(this.home(host));
    return (await client.get("/fleet") as unknown as FleetView).fleet!;
  }

  /** The fleet as a host sees it, once it is as `isSo` says. */
  async until(
    host: number,
    isSo: (fleet: NonNullable<FleetView["fleet"]>) => boolean,
  ): Promise<NonNullable<FleetView["fleet"]>> {
    const deadline = performance.now() + PATIENCE_MS;
    while (true) {
      const fleet = await this.view(host);
      if (isSo(fleet)) return fleet;
      assert(performance.now() < deadline, JSON.stringify(fleet, undefined, 1));
      await delay(100);
    }
  }

  /** Gives a command that goes on until it is stopped, and tells JSON. */
  follow(host: number, ...args: string[]): PeerRun {
    return new PeerRun(this.lan.address(host), this.#spawn(host, [...args, "--progress", "json"]));
  }

  /** Waits until a host has a file. */
  async has(host: number, name: string, content = data): Promise<void> {
    const path = this.home(host, "shareable", name);
    const deadline = performance.now() + PATIENCE_MS;
    while (!await Deno.stat(path).then(() => true, () => false)) {
      assert(performance.now() < deadline, `host ${host} has not got ${name}`);
      await delay(50);
    }
    assert.deepEqual(await Deno.readFile(path), Uint8Array.from(content));
  }

  /** How the hosts have answered the lead's offer of this name, by their names. */
  async answers(name: string): Promise<Record<string, string>> {
    const { offers } = await this.view(0);
    const hosts = offers.find((offer) => offer.name === name)?.hosts ?? [];
    return Object.fromEntries(hosts.map(({ name, state }) => [name, state]));
  }

  /** Waits until the hosts have answered the lead's offer of this name so. */
  async answered(name: string, expected: Record<string, string>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (true) {
      const answers = await this.answers(name);
      if (JSON.stringify(answers) === JSON.stringify(expected)) return;
      if (performance.now() > deadline) assert.deepEqual(answers, expected);
      await delay(50);
    }
  }

  /** Makes the first host the lead, and the others members that take what it offers as `accept` says. */
  async join(accept: "ask" | "lead"): Promise<void> {
    await this.run(0, "fleet", "create", "room 7");
    const { code } = JSON.parse(await this.run(0, "fleet", "invite", "--json")) as InvitationView;
    for (let host = 1; host < this.lan.hosts; host++) {
      await this.run(host, "fleet", "join", ...code.split(" "), "--accept", accept);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using end = new AsyncDisposableStack();
    end.defer(() => Deno.remove(this.#folder, { recursive: true }));
    end.defer(() => this.lan.close());
    for (const host of [...this.#runs.keys()].toReversed()) end.defer(() => this.stop(host));
  }
}

const here = ({ members }: NonNullable<FleetView["fleet"]>) =>
  members.filter(({ isHere }) => isHere).map(({ name }) => name);

lanTest("Hosts join a fleet by a code, meet all others, and meet again after restarts", async () => {
  await using room = await Room.of(6);
  await room.startAll();
  await room.join("ask");
  for (let host = 0; host < 6; host++) await room.until(host, (fleet) => here(fleet).length === 5);
  const [atLead, atMember] = [await room.view(0), await room.view(3)];
  assert.deepEqual(here(atLead), ["pc-1", "pc-2", "pc-3", "pc-4", "pc-5"]);
  assert.deepEqual(atMember.members.filter(({ isLead }) => isLead).map(({ name }) => name), ["pc-0"]);
  await room.stop(5);
  const left = await room.until(0, (fleet) => here(fleet).length === 4);
  assert.equal(left.members.find(({ name }) => name === "pc-5")?.isHere, false);
  await room.stop(0);
  await Promise.all([room.start(5), room.start(0)]);
  for (const host of [0, 5]) await room.until(host, (fleet) => here(fleet).length === 5);

  await room.run(4, "fleet", "leave");
  await room.until(0, (fleet) => here(fleet).length === 4);
  await room.run(3, "fleet", "distrust", "pc-0");
  assert.deepEqual((await room.view(3)).leads, []);
});

lanTest(
  "A host that is off is woken by a packet on its wire; one that leaves, or is forgotten, is gone",
  async () => {
    await using room = await Room.of(3);
    await room.startAll();
    await room.join("lead");
    for (const host of [0, 1]) await room.until(host, (fleet) => here(fleet).length === 2);
    assert.match(
      await room.failureOf(0, "fleet", "wake", "pc-2"),
      /a host that is away, got pc-2, which is here/,
    );
    await room.stop(2);
    for (const host of [0, 1]) await room.until(host, (fleet) => here(fleet).length === 1);
    const sleeper = await SleepingHost.on(room.lan, 2);
    assert.match(await room.run(1, "fleet", "wake", "pc-2"), /packets that wake pc-2 are sent/);
    await sleeper.isWoken();

    await room.run(1, "fleet", "leave");
    const atLead = await room.until(0, ({ members }) => members.length === 1);
    assert.deepEqual(atLead.members.map(({ name }) => name), ["pc-2"]);
    assert.match(await room.run(0, "fleet", "forget", "pc-2"), /no other host was met yet/);
    assert.match(await room.failureOf(0, "fleet", "wake", "pc-2"), /of one member, got none/);
    await room.start(2);
    await room.until(0, (fleet) => here(fleet)[0] === "pc-2");
  },
);

lanTest("Where no multicast comes through, a host joins by --peer, and finds its fleet again", async () => {
  await using room = await Room.of(3);
  for (const host of [0, 1, 2]) await room.lan.setMulticast(host, false);
  await room.startAll();
  await room.run(0, "fleet", "create", "room 7");
  const { code } = JSON.parse(await room.run(0, "fleet", "invite", "--json")) as InvitationView;
  assert.match(await room.failureOf(1, "fleet", "join", code), /nobody near by answers: .* --peer HOST/);
  for (const host of [1, 2]) {
    await room.run(host, "fleet", "join", code, "--peer", room.lan.address(0));
  }
  for (const host of [0, 1, 2]) await room.until(host, (fleet) => here(fleet).length === 2);
  await room.stop(1);
  await room.start(1);
  await room.until(1, (fleet) => here(fleet).length === 2);
});

lanTest("A stranger sees nothing of a fleet, and wrong words end an invitation", async () => {
  await using room = await Room.of(3);
  await room.startAll();
  await room.run(0, "fleet", "create", "room 7");
  const { code } = JSON.parse(await room.run(0, "fleet", "invite", "--json")) as InvitationView;
  await room.run(1, "fleet", "join", code);
  await room.until(1, (fleet) => here(fleet).length === 1);
  const [number] = code.split(" ");
  for (let guess = 0; guess < 3; guess++) {
    assert.match(
      await room.failureOf(2, "fleet", "join", number, "zoo", "zoo", "zoo"),
      /wrong words, or the invitation is over/,
    );
  }
  assert.match(await room.failureOf(2, "fleet", "join", code), /wrong words, or the invitation is over/);
  assert.equal((await room.view(0)).invitation?.state, "three wrong guesses");
  assert.match(await room.failureOf(2, "get"), /nobody near by answers/);
  assert.match(await room.run(2, "fleet"), /a member of no fleet/);
  const { torrents } = JSON.parse(await room.run(2, "status", "--json"));
  assert.deepEqual(Object.keys(torrents ?? {}), []);
});

lanTest(
  "One command puts a file on every host: one was off, one is asked, one is full; then one is taken back",
  async () => {
    await using room = await Room.of(6);
    await room.startAll();
    await room.join("lead");
    await room.run(3, "fleet", "choose", "--accept", "ask");
    await room.run(4, "fleet", "choose", "--quota", "1M");
    await room.until(0, (fleet) => here(fleet).length === 5);
    await room.stop(5);
    await room.until(0, (fleet) => here(fleet).length === 4);
    const folder = room.home(0, "data");
    await Deno.mkdir(folder);
    await Deno.writeFile(join(folder, "image.bin"), data);

    const share = room.follow(0, "share", join(folder, "image.bin"), "--to", "all");
    for (const host of [1, 2]) await room.has(host, "image.bin");
    await room.answered("image.bin", {
      "pc-1": "accepted",
      "pc-2": "accepted",
      "pc-3": "asked",
      "pc-4": "full",
      "pc-5": "away",
    });
    assert.match(
      await room.run(0, "fleet", "offers"),
      /5 hosts were offered it: 2 took it, pc-3 asks its user, pc-5 is away, pc-4 is full \(needs 4 MiB, has 977 KiB\)/,
    );
    assert.match(
      await room.run(3, "fleet", "offers"),
      /image\.bin +4 MiB +pc-0\n +waits: peer fleet accept/,
    );
    await room.run(3, "fleet", "decline", "image.bin");
    assert(await share.stop(), "the peer that was handed the file goes on without the command");

    // The lead is away, and a host that was off gets it from the others.
    await room.stop(0);
    await room.start(5);
    await room.has(5, "image.bin");
    await room.start(0);
    await room.answered("image.bin", {
      "pc-1": "accepted",
      "pc-2": "accepted",
      "pc-3": "declined",
      "pc-4": "full",
      "pc-5": "accepted",
    });

    // A second file takes no step on any host; then it is taken back, and a lead that is distrusted puts nothing.
    await room.run(4, "fleet", "choose", "--quota", "half");
    await room.has(4, "image.bin");
    await room.run(2, "fleet", "distrust", "pc-0");
    for (const host of [1, 4]) await room.run(host, "limit", "--down", "20K");
    const more = randomBytes(3 * 1024 * 1024, 8);
    await Deno.writeFile(join(folder, "more.bin"), more);
    const second = room.follow(
      0,
      "share",
      join(folder, "more.bin"),
      "--to",
      "pc-1",
      "--to",
      "pc-2",
      "--to",
      "pc-4",
    );
    await room.answered("more.bin", { "pc-1": "accepted", "pc-2": "silent", "pc-4": "accepted" });
    await room.run(0, "fleet", "cancel", "more.bin");
    for (const host of [1, 4]) {
      while (/more\.bin/.test(await room.run(host, "status"))) await delay(100);
      assert.deepEqual([...Deno.readDirSync(room.home(host, "shareable"))].map(({ name }) => name), [
        "image.bin",
      ]);
    }
    for (const host of [2, 3, 5]) assert.doesNotMatch(await room.run(host, "status"), /more\.bin/);
    assert(await second.stop());
  },
);

lanTest("A new version is put on 16 hosts by one command, and only what has changed travels", async () => {
  await using room = await Room.of(16);
  await room.startAll();
  await room.join("lead");
  await room.until(0, (fleet) => here(fleet).length === 15);
  const members = Array.from({ length: 15 }, (_, i) => i + 1);
  const folders = [room.home(0, "first"), room.home(0, "second")];
  for (const folder of folders) await Deno.mkdir(folder);
  await Deno.writeFile(join(folders[0], "image.bin"), data);
  const first = room.follow(0, "share", join(folders[0], "image.bin"), "--to", "all");
  for (const host of members) await room.has(host, "image.bin");
  assert(await first.stop());

  const next = Uint8Array.from(data);
  next.set(randomBytes(20_000, 9), 1_000_000);
  await Deno.writeFile(join(folders[1], "image.bin"), next);
  const [torrent] = [...Deno.readDirSync(room.home(0, "torrents"))].map(({ name }) => name);
  const path = join(folders[1], "image.bin");
  const second = room.follow(0, "share", path, "--replaces", torrent, "--to", "all");
  const infoHash = () =>
    second.lines.map((line) => JSON.parse(line)).find(({ event }) => event === "shared")?.infoHash;
  while (infoHash() === undefined) await Promise.race([second.ended, delay(50)]);
  for (const host of members) {
    await room.has(host, join(infoHash().slice(0, 8), "image.bin"), next);
    await room.has(host, "image.bin");
    using client = await ControlClient.open(room.home(host));
    const { downloadedEver } = await client.get(`/torrents/${infoHash()}`);
    assert(Number(downloadedEver) < 0.1 * data.length, `${downloadedEver} bytes came`);
  }
  assert(await second.stop());
});
