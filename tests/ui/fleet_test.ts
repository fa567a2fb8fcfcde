import assert from "node:assert/strict";
import { join } from "node:path";
import type { FleetView } from "../../lib/api/shapes.ts";
import { plain } from "../../lib/ui/control/paint.ts";
import { keyLines, listLines, offerLines } from "../../lib/ui/fleet/fleet_lines.ts";
import { offeredText } from "../../lib/ui/progress/offer_text.ts";
import { runCommand } from "../harness/processes/cli_run.ts";

const QUIET = ["--host", "127.0.0.1", "--port", "0", "--no-tracker", "--no-lsd", "--no-web"];

Deno.test("peer fleet works where no peer runs, and refuses words that are too many or too few", async () => {
  const home = await Deno.makeTempDir();
  const fleet = (...words: string[]) =>
    runCommand("fleet", ...words, "--home", home, "--name", "desk", ...QUIET);
  assert.match((await fleet()).out.join("\n"), /^this host is a member of no fleet: /);
  assert.match(
    (await fleet("create", "room", "7")).out[0],
    /^room 7 · this host is desk, a lead$/,
  );
  assert.match((await fleet("create", "room 8")).err.join("\n"), /^peer: fleet create: .*leave that first$/);
  assert.match((await fleet("key")).out[0], /^(\w+ ){6} \(this host\)$/);
  const image = (await fleet("key", "--image")).out[0];
  assert.match(image, /^peer-fleet:[\w-]+$/);
  for (
    const words of [["create"], ["list", "x"], ["join"], ["leave", "now"], ["dance"], [
      "choose",
      "--quota",
      "x",
    ]]
  ) {
    assert.equal((await fleet(...words)).exitCode, 2, words.join(" "));
  }
  assert.match((await fleet("join", "1", "2")).err.join("\n"), /^peer: fleet join: .*leave that first$/);
  assert.equal((await fleet("leave")).exitCode, 0);
  assert.match(
    (await fleet("join", "1", "2")).err.join("\n"),
    /^peer: fleet join: Expected an invitation of a number/,
  );

  const clone = await Deno.makeTempDir();
  const trusted = await runCommand(
    "fleet",
    "trust",
    image,
    "--accept",
    "lead",
    "--quota",
    "1G",
    "--home",
    clone,
  );
  assert.deepEqual(trusted.out, ["a member of room 7 from the next start on"]);
  assert.deepEqual([...Deno.readDirSync(join(clone, "state"))].map(({ name }) => name).sort(), [
    "fleet.json",
    "lock",
  ]);
  const kept = JSON.parse(await Deno.readTextFile(join(clone, "state", "fleet.json")));
  assert.deepEqual([kept.seed, kept.fleet.accept, kept.fleet.quota], [undefined, "lead", 1e9]);
  const again = await runCommand("fleet", "--json", "--home", clone, ...QUIET);
  const view: FleetView = JSON.parse(again.out[0]);
  assert.deepEqual([view.fleet?.name, view.fleet?.isLead, view.fleet?.leads[0].name], [
    "room 7",
    false,
    "desk",
  ]);
  await Promise.all([home, clone].map((folder) => Deno.remove(folder, { recursive: true })));
});

Deno.test("the fleet in lines: who is here, who is away, whom this host obeys", () => {
  const page = { width: Infinity, paint: plain };
  const self = { name: "pc-1", key: "k1", fingerprint: "otter velvet" };
  assert.match(listLines({ self }, page)[0], /no fleet/);
  const lead = { name: "desk", key: "k2", fingerprint: "lamp river" };
  const member = { ...lead, isLead: true, isHere: true, endpoint: "10.0.0.5:6881", seenAt: 0 };
  const view: FleetView = {
    self,
    fleet: {
      name: "room\u001b 7",
      isLead: false,
      accept: "ask",
      leads: [lead, { name: "", key: "k3", fingerprint: "zoo zebra" }],
      offers: [],
      members: [member, { ...member, name: "pc-2", isLead: false, isHere: false }],
    },
  };
  const lines = listLines(view, page);
  assert.equal(lines[0], "room� 7 · this host is pc-1, a member");
  assert.equal(
    lines[1],
    "takes what desk, zoo zebra offers after peer fleet accept, at most half of what is free",
  );
  assert.equal(lines[2], "1 of 2 other hosts are here");
  assert.match(lines[4], /^desk +10\.0\.0\.5:6881 +here +yes +lamp river$/);
  assert.match(lines[5], /^pc-2 .*away since \d/);
  assert.deepEqual(keyLines(view), [
    "otter velvet  (this host)",
    "key  k1",
    "lamp river  (lead desk)",
    "zoo zebra  (lead)",
  ]);
});

Deno.test("offers in lines: how this host takes what leads offer, and how all take what it offers", () => {
  const page = { width: Infinity, paint: plain };
  const offer = {
    infoHash: "a".repeat(40),
    name: "film.mp4",
    length: 4 * 2 ** 30,
    files: 1,
    issuedAt: 0,
    expiresAt: 0,
  };
  const hosts = [
    { name: "pc-1", state: "accepted" as const },
    { name: "pc-2", state: "away" as const },
    { name: "pc-3", state: "away" as const },
    { name: "pc-7", state: "full" as const, needs: 4 * 2 ** 30, has: 1.2 * 2 ** 30 },
  ];
  const view: FleetView = {
    self: { name: "desk", key: "k", fingerprint: "otter" },
    fleet: {
      name: "room 7",
      isLead: true,
      accept: "ask",
      leads: [],
      members: [],
      offers: [
        { ...offer, lead: "desk", isOwn: true, state: "offered", hosts },
        { ...offer, name: "b", lead: "other", isOwn: false, state: "asked" },
        { ...offer, name: "c", lead: "other", isOwn: false, state: "cancelled" },
      ],
    },
  };
  assert.deepEqual(offerLines(view, page), [
    "OFFER      SIZE  FROM",
    "film.mp4  4 GiB  desk",
    "    4 hosts were offered it: 1 took it, pc-2 and pc-3 are away, pc-7 is full (needs 4 GiB, has 1.2 GiB)",
    "b         4 GiB  other",
    '    waits: peer fleet accept "b" takes it, peer fleet decline "b" does not',
  ]);
  assert.match(offeredText([]), /no host of the fleet was met yet/);
  const many = Array.from({ length: 9 }, (_, number) => ({ name: `pc-${number}`, state: "silent" }));
  assert.match(
    offeredText(many),
    /^9 hosts .*: 0 took it, pc-0, pc-1, pc-2, pc-3, pc-4 and 4 more have not answered yet$/,
  );
});
