import assert from "node:assert/strict";
import { needs } from "../harness/processes/require_tool.ts";
import { join } from "node:path";
import { encode, encodeMembers } from "../../lib/protocol/bencode.ts";
import { encodeInfo, encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { announceOf, TestTracker } from "../harness/sessions/tracker.ts";

/** A home with `shareable/age.txt` of 50,000 bytes, and what removes it. */
async function makeHome() {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(join(home, "shareable"));
  const data = Uint8Array.from({ length: 50_000 }, (_, i) => i % 251);
  await Deno.writeFile(join(home, "shareable", "age.txt"), data);
  return {
    home,
    data,
    file: join(home, "shareable", "age.txt"),
    torrent: join(home, "torrents", "age.txt.torrent"),
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

async function jsonOf(...args: string[]) {
  const { exitCode, out, err } = await runCommand(...args, "--json");
  assert.equal(out.length, 1, err.join());
  return { exitCode, err, value: JSON.parse(out[0]) };
}

Deno.test("create writes a torrent that info shows", async () => {
  await using made = await makeHome();
  const { home, file, torrent } = made;
  const created = await jsonOf(
    ...["create", file, "--home", home, "--announce", "10.0.0.5", "--announce", "udp://10.0.0.6:7000"],
    ...[
      "--piece-length",
      "16KiB",
      "--private",
      "--comment",
      "for class",
      "--web-seed",
      "http://10.0.0.5/age.txt",
    ],
  );
  assert.equal(created.exitCode, 0);
  const { path, ...described } = created.value;
  assert.equal(path, torrent);
  const { infoHash, magnet, createdBy, ...rest } =
    (await jsonOf("info", "age.txt.torrent", "--home", home)).value;
  assert.deepEqual({ infoHash, magnet, createdBy, ...rest }, described);
  assert.match(infoHash, /^[0-9a-f]{40}$/);
  assert.match(createdBy, /^peer/);
  assert.equal(
    magnet,
    `magnet:?xt=urn:btih:${infoHash}&dn=age.txt` +
      "&tr=http%3A%2F%2F10.0.0.5%3A6969%2Fannounce&tr=udp%3A%2F%2F10.0.0.6%3A7000" +
      "&ws=http%3A%2F%2F10.0.0.5%2Fage.txt",
  );
  assert.deepEqual(rest, {
    infoHashV2: null,
    name: "age.txt",
    length: 50_000,
    pieceLength: 16_384,
    pieces: 4,
    private: true,
    announce: [["http://10.0.0.5:6969/announce"], ["udp://10.0.0.6:7000"]],
    webSeeds: ["http://10.0.0.5/age.txt"],
    code: null,
    comment: "for class",
    creationDate: null,
    files: [{ path: "age.txt", length: 50_000 }],
  });
});

Deno.test("create announces to this machine when no address is given", async () => {
  await using made = await makeHome();
  const { value } = await jsonOf("create", made.file, "--home", made.home);
  assert.equal(value.announce.length, 1);
  assert.match(value.announce[0][0], /^http:\/\/\d+\.\d+\.\d+\.\d+:6969\/announce$/);
});

Deno.test("create says where others look for this machine, and what to do next", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  const { out, err } = await runCommand("create", file, "--home", home, "--announce", "10.0.0.5");
  assert.deepEqual([out[2], err], ["Announce   http://10.0.0.5:6969/announce", []]);
  assert.match(out[3], /^Next +peer age\.txt\.torrent --home .*; then copy the torrent to the others/);
  const own = await runCommand("create", file, "--home", home, "--output", join(home, "own.torrent"));
  assert.match(own.out[2], /^Announce +http:.*:6969\/announce \(this machine, \S+\)$/);
});

Deno.test("create and edit warn of addresses that are good on this machine only", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  const warning = /^peer: .*age\.txt\.torrent: warning: the announce address is good on this machine only/;
  for (const args of [["create", file], ["edit", "age.txt.torrent"]]) {
    const { exitCode, err } = await runCommand(...args, "--home", home, "--announce", "localhost");
    assert.deepEqual([exitCode, err.length], [0, 1]);
    assert.match(err[0], warning);
  }
  assert.deepEqual(
    (await runCommand("edit", "age.txt.torrent", "--home", home, "--announce", "10.0.0.5")).err,
    [],
  );
});

Deno.test("create warns of data that is not where it is shared from", async () => {
  await using made = await makeHome();
  const other = join(made.home, "film.mp4");
  await Deno.writeTextFile(other, "data");
  const { exitCode, err } = await runCommand("create", other, "--home", made.home, "--announce", "10.0.0.5");
  assert.deepEqual([exitCode, err.length], [0, 1]);
  assert.ok(err[0].includes(`move it to ${join(made.home, "shareable", "film.mp4")}`), err[0]);
});

Deno.test("create refuses a torrent, and names the file that was meant", async () => {
  await using made = await makeHome();
  const { home, file, torrent } = made;
  await runCommand("create", file, "--home", home, "--announce", "10.0.0.5");
  const again = await runCommand("create", torrent, "--home", home);
  assert.equal(again.exitCode, 3);
  assert.match(
    again.err[0],
    /: Expected data to share, got a torrent already; to join it: peer .*: peer edit /,
  );
  const missing = await runCommand("create", join(home, "shareable", "aeg.txt"), "--home", home);
  assert.equal(missing.exitCode, 1);
  assert.match(missing.err[0], /no such file or folder; did you mean age\.txt\?$/);
});

Deno.test("create takes a folder as its output, also one that does not exist", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  await Deno.mkdir(join(home, "there"));
  for (const folder of [`${join(home, "new")}/`, join(home, "there")]) {
    const { exitCode, value } = await jsonOf("create", file, "--home", home, "--output", folder);
    assert.equal(exitCode, 0);
    assert.equal(value.path, join(folder, "age.txt.torrent"));
    assert.ok((await Deno.stat(value.path)).isFile);
  }
});

Deno.test("create takes an announce URL without its scheme as one of http, or says how it is written", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  const { value } = await jsonOf("create", file, "--home", home, "--announce", "10.0.0.5:6969/announce");
  assert.deepEqual(value.announce, [["http://10.0.0.5:6969/announce"]]);
  const { exitCode, err } = await runCommand(
    "create",
    file,
    "--home",
    home,
    "--announce",
    "10.0.0.5/announce",
  );
  assert.equal(exitCode, 2);
  assert.match(err.join(), /an announce URL such as http:\/\/10\.0\.0\.5\/announce, a host or HOST:PORT/);
});

Deno.test("info shows web seeds of both kinds", async () => {
  await using made = await makeHome();
  const info = encodeInfo("x", [{ path: [], length: 1 }], 16_384, new Uint8Array(20), false);
  const members = new Map<string, Uint8Array>([
    ["info", info],
    ["url-list", encode(["http://10.0.0.5/x"])],
    ["httpseeds", encode(["http://10.0.0.5/seed"])],
  ]);
  const path = join(made.home, "x.torrent");
  await Deno.writeFile(path, encodeMembers(members));
  const { value } = await jsonOf("info", path);
  assert.deepEqual([value.webSeeds, value.httpSeeds], [["http://10.0.0.5/x"], ["http://10.0.0.5/seed"]]);
  assert.match((await runCommand("info", path)).out.join(), /HTTP seed +http:\/\/10\.0\.0\.5\/seed/);
});

Deno.test("check says which empty file lacks, and which file has a wrong size", async () => {
  await using made = await makeHome();
  const { home } = made;
  const folder = join(home, "shareable", "box");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "a"), "a");
  await Deno.writeTextFile(join(folder, "empty"), "");
  assert.equal((await runCommand("create", folder, "--home", home)).exitCode, 0);
  const torrent = join(home, "torrents", "box.torrent");
  await Deno.remove(join(folder, "empty"));
  const { exitCode, err } = await runCommand("check", torrent, "--home", home);
  assert.equal(exitCode, 1);
  assert.match(err.join(), /Expected an empty file at shareable\/box\/empty, got none/);
  await Deno.writeTextFile(join(folder, "empty"), "not");
  const other = await runCommand("check", torrent, "--home", home);
  assert.match(other.err.join(), /Expected 0 bytes in shareable\/box\/empty, got 3/);
});

Deno.test("create never replaces what it was not told to replace", async () => {
  await using made = await makeHome();
  const { home, file, torrent } = made;
  assert.equal((await runCommand("create", file, "--home", home)).exitCode, 0);
  const before = await Deno.readFile(torrent);
  for (const more of [[], ["--output", file]]) {
    const { exitCode, err } = await runCommand(
      "create",
      file,
      "--home",
      home,
      "--announce",
      "10.0.0.5",
      ...more,
    );
    assert.equal(exitCode, 1);
    assert.equal(err.length, 1);
  }
  assert.deepEqual(await Deno.readFile(torrent), before);
  assert.deepEqual(await Deno.readFile(file), made.data);
  assert.equal((await runCommand("create", file, "--announce", "10.0.0.5", "--output", torrent)).exitCode, 0);
  assert.notDeepEqual(await Deno.readFile(torrent), before);
});

needs("symbolic links")(
  "create replaces the torrent that a symbolic link names, and not the link",
  async () => {
    await using made = await makeHome();
    const { home, file } = made;
    const [target, link] = [join(home, "real.torrent"), join(home, "link.torrent")];
    const make = (...more: string[]) => runCommand("create", file, "--home", home, "--output", link, ...more);
    await runCommand("create", file, "--home", home, "--output", target);
    const before = await Deno.readFile(target);
    await Deno.symlink(target, link);
    assert.equal((await make("--comment", "new")).exitCode, 0);
    assert.ok((await Deno.lstat(link)).isSymlink);
    assert.notDeepEqual(await Deno.readFile(target), before);
  },
);

Deno.test("create refuses at once what it would refuse after hashing", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  const huge = join(home, "shareable", "huge");
  await Deno.writeFile(huge, new Uint8Array());
  // Sparse: hashing it would take hours.
  await Deno.truncate(huge, 8 * 2 ** 40);
  const cases: [RegExp, string[]][] = [
    [/Cannot write/, [huge, "--piece-length", "64MiB", "--output", join(file, "below", "a.torrent")]],
    [/Expected at most 2097152 pieces, got 8388608/, [huge, "--piece-length", "1MiB"]],
  ];
  for (const [reason, args] of cases) {
    const { exitCode, err } = await runCommand("create", ...args, "--home", home, "--announce", "10.0.0.5");
    assert.notEqual(exitCode, 0);
    assert.match(err.join(), reason);
  }
});

Deno.test("create fails in one line and leaves nothing when there is no such file", async () => {
  await using made = await makeHome();
  const { exitCode, err } = await runCommand("create", join(made.home, "nothing"), "--home", made.home);
  assert.equal(exitCode, 1);
  assert.equal(err.length, 1);
  assert.deepEqual([...Deno.readDirSync(made.home)].map(({ name }) => name), ["shareable"]);
});

Deno.test("edit changes the announce addresses and keeps the info-hash and the file's mode", async () => {
  await using made = await makeHome();
  const { home, file, torrent } = made;
  const { value: before } = await jsonOf("create", file, "--home", home, "--comment", "kept");
  if (Deno.build.os !== "windows") await Deno.chmod(torrent, 0o640);
  const { exitCode, out } = await runCommand(
    ...["edit", "age.txt.torrent", "--home", home, "--announce", "10.0.0.7:7000", "--announce", "fd00::5"],
  );
  assert.equal(exitCode, 0);
  assert(out.some((line) => line.includes(before.infoHash)));
  const { value: after } = await jsonOf("info", torrent);
  assert.deepEqual(after.announce, [["http://10.0.0.7:7000/announce"], ["http://[fd00::5]:6969/announce"]]);
  assert.equal(after.infoHash, before.infoHash);
  assert.equal(after.comment, "kept");
  if (Deno.build.os !== "windows") assert.equal((await Deno.stat(torrent)).mode! & 0o777, 0o640);
  assert.deepEqual([...Deno.readDirSync(join(home, "torrents"))].map(({ name }) => name), [
    "age.txt.torrent",
  ]);
});

Deno.test("check says which pieces are good, bad and missing", async () => {
  await using made = await makeHome();
  const { home, file, data } = made;
  await runCommand("create", file, "--home", home, "--piece-length", "16KiB");
  const whole = await jsonOf("check", "age.txt.torrent", "--home", home);
  const { infoHash, ...counts } = whole.value;
  assert.equal(whole.exitCode, 0);
  assert.match(infoHash, /^[0-9a-f]{40}$/);
  assert.deepEqual(counts, { pieces: 4, good: 4, bad: [], missing: [], complete: true });

  data[20_000] ^= 1;
  await Deno.writeFile(file, data.subarray(0, 33_000));
  const broken = await jsonOf("check", "age.txt.torrent", "--home", home);
  assert.equal(broken.exitCode, 1);
  assert.deepEqual(broken.err, ["peer: age.txt.torrent: Expected 4 good pieces, got 1"]);
  assert.deepEqual(broken.value, {
    infoHash,
    pieces: 4,
    good: 1,
    bad: [1],
    missing: [2, 3],
    complete: false,
  });
});

Deno.test("info prints no control characters of a torrent", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  await runCommand("create", file, "--home", home, "--comment", "a\x1b[2J\nb");
  const { out } = await runCommand("info", "age.txt.torrent", "--home", home);
  // deno-lint-ignore no-control-regex
  for (const line of out) assert.doesNotMatch(line, /[\x00-\x1f]/);
  assert(out.some((line) => line.includes("a\uFFFD[2J\uFFFDb")));
});

Deno.test("info shows what a magnet link says", async () => {
  const infoHash = "0123456789abcdef0123456789abcdef01234567";
  const magnet =
    `magnet:?xt=urn:btih:${infoHash}&dn=age.txt&tr=http%3A%2F%2F10.0.0.5%2Fa&x.pe=10.0.0.6:6881&so=0,2-3`;
  const { exitCode, value } = await jsonOf("info", magnet);
  assert.equal(exitCode, 0);
  assert.deepEqual(value, {
    infoHash,
    name: "age.txt",
    announce: [["http://10.0.0.5/a"]],
    webSeeds: [],
    peers: ["10.0.0.6:6881"],
    selectOnly: [{ first: 0, last: 0 }, { first: 2, last: 3 }],
    magnet,
  });
  assert.deepEqual((await runCommand("info", magnet)).out, [
    "Name       age.txt",
    `Info-hash  ${infoHash}`,
    "Announce   http://10.0.0.5/a",
    "Peer       10.0.0.6:6881",
    "Files      0, 2-3",
  ]);
});

Deno.test("info asks the trackers of a torrent, or of a magnet link, who is there", async () => {
  await using made = await makeHome();
  await using tracker = new TestTracker();
  const { home, file } = made;
  const dead = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const deadPort = (dead.addr as Deno.NetAddr).port;
  dead.close();
  const announce = [
    `http://127.0.0.1:${tracker.http.port}/announce`,
    `http://127.0.0.1:${deadPort}/announce`,
  ];
  await runCommand("create", file, "--home", home, ...announce.flatMap((url) => ["--announce", url]));
  const described = (await jsonOf("info", "age.txt.torrent", "--home", home)).value;
  tracker.table.serve(described.infoHash);
  tracker.table.announce(announceOf("seed", { infoHash: described.infoHash, left: 0 }), "10.0.0.1", 0);

  const { swarm, ...rest } = (await jsonOf("info", "age.txt.torrent", "--home", home, "--swarm")).value;
  assert.deepEqual(rest, described);
  assert.deepEqual(swarm[0], {
    announce: announce[0],
    complete: 1,
    incomplete: 0,
    downloaded: 0,
    error: null,
  });
  const { error, ...silent } = swarm[1];
  assert.deepEqual(silent, { announce: announce[1], complete: null, incomplete: null, downloaded: null });
  assert.match(error, /refused|connect/i);

  const { exitCode, out } = await runCommand("info", described.magnet, "--swarm");
  assert.equal(exitCode, 0);
  const rows = out.filter((line) => line.startsWith("Swarm"));
  assert.match(rows[0], /^Swarm +http:\/\/127\.0\.0\.1:\d+: 1 with all data, 0 without$/);
  assert.match(rows[1], /refused|connect/i);
});

Deno.test("info fails when no tracker of a torrent answers, and shows what is in the torrent all the same", async () => {
  await using made = await makeHome();
  const { home, file } = made;
  await runCommand("create", file, "--home", home, "--announce", "http://127.0.0.1:1/announce");
  const { exitCode, out, err } = await runCommand("info", "age.txt.torrent", "--home", home, "--swarm");
  assert.equal(exitCode, 1);
  assert.match(out.join("\n"), /^Name +age\.txt$[^]*^Swarm +http:\/\/127\.0\.0\.1:1: /m);
  assert.match(err.join("\n"), /^peer: age\.txt\.torrent: Expected an answer of a tracker, got none$/);
  const { exitCode: withoutAsking } = await runCommand("info", "age.txt.torrent", "--home", home);
  assert.equal(withoutAsking, 0);
});

Deno.test("info shows a torrent of more files than a call takes arguments", async () => {
  const home = await Deno.makeTempDir();
  const files = Array.from({ length: 130_000 }, (_, i) => ({ path: [`${i}`], length: 0 }));
  const path = join(home, "many.torrent");
  const rawInfo = encodeInfo("many", files, 16_384, new Uint8Array(), false);
  await Deno.writeFile(path, encodeMetainfo(rawInfo, { announceTiers: [] }));
  const { exitCode, out } = await runCommand("info", path, "--home", home);
  assert.equal(exitCode, 0);
  assert.equal(out.filter((line) => line.startsWith("File")).length, 130_000);
  await Deno.remove(home, { recursive: true });
});
