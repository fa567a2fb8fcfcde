/** `python3-transmissionrpc` 0.11 steers a peer in the middle of a download. */
import assert from "node:assert/strict";
import { findPython, needs } from "../../harness/processes/require_tool.ts";
import { exists, outputOf, SteeredPeer } from "./steered_peer.ts";

/** Prints the value of an expression about the client `c` as JSON. Python's own warnings are not looked at. */
const SCRIPT = `
import json, sys, warnings
warnings.simplefilter("ignore")
import transmissionrpc
c = transmissionrpc.Client("127.0.0.1", int(sys.argv[1]), "anybody", sys.argv[2])
print(json.dumps(eval(sys.argv[3]), default=str))
`;
import { finish } from "../../../lib/protocol/steps.ts";

needs("transmissionrpc")("python3-transmissionrpc steers a running download", async () => {
  await using peer = await SteeredPeer.start();
  const { session, course, film } = peer;
  const python = findPython("transmissionrpc")!;
  const ask = async (expression: string): Promise<unknown> => {
    const output = await outputOf(python, "-W", "ignore", "-c", SCRIPT, peer.port, peer.password, expression);
    return JSON.parse(output.trim().split("\n").at(-1)!);
  };

  const contents = (await Deno.readFile(course.path)).toBase64();
  assert.equal(await ask(`c.add_torrent("${contents}").hashString`), course.infoHash);
  assert.equal(await ask(`c.add_torrent("${film.magnet}").id`), 2);
  // Adding it again is a success.
  assert.equal(await ask(`c.add_torrent("${contents}").hashString`), course.infoHash);
  await peer.runs(course);
  await peer.when(film, "metadata", ({ lacksMetadata }) => !lacksMetadata);
  assert.deepEqual(await ask(`[[t.id, t.name, t.status] for t in c.get_torrents()]`), [
    [1, "course", "downloading"],
    [2, "film.mkv", "downloading"],
  ]);
  const fields = "[t.progress > 0, t.rateDownload > 0, t.eta is not None, len(t.peers), len(t.trackerStats)]";
  assert.deepEqual(await ask(`[${fields} for t in [c.get_torrent(1)]][0]`), [true, true, true, 1, 1]);

  await ask("c.stop_torrent(1)");
  assert.equal(peer.find(course)?.state, "paused");
  assert.equal(await ask("c.get_torrent(1).status"), "stopped");
  await ask("c.start_torrent(1)");
  await peer.when(course, "resumed", ({ state }) => state === "downloading");

  await ask(
    `c.set_files({1: {1: {"selected": False, "priority": "normal"}, 0: {"selected": True, "priority": "high"}}})`,
  );
  const files = finish(session.files(course.infoHash));
  assert.deepEqual(files.map(({ isWanted, isFirst }) => [isWanted, isFirst]), [[true, true], [false, false]]);
  assert.deepEqual(
    await ask(`[[f["name"], f["selected"], f["priority"]] for f in c.get_files(1)[1].values()]`),
    [
      ["course/a.bin", true, "high"],
      ["course/b.bin", false, "normal"],
    ],
  );
  await ask(
    `c.change_torrent(1, downloadLimit=50, downloadLimited=True, seedRatioMode=1, seedRatioLimit=1.5)`,
  );
  assert.equal(session.choices(course.infoHash).maxDownload, 50_000);
  await ask(`c.set_session(speed_limit_up=70, speed_limit_up_enabled=True)`);
  assert.equal(session.choices().maxUpload, 70_000);
  assert.deepEqual(await ask(`[c.get_session().speed_limit_up, c.session_stats().torrentCount]`), [70, 2]);
  assert.equal(await ask("c.port_test()"), true);
  assert.ok(Number(await ask(`c.free_space("${peer.machine.path("shareable")}")`)) > 0);

  await ask("c.verify_torrent(2)");
  await ask("c.reannounce_torrent(1)");
  await ask("c.remove_torrent(2)");
  await peer.leaves(film);
  await ask("c.remove_torrent(1, delete_data=True)");
  await peer.leaves(course);
  assert.equal(await exists(peer.machine.path("shareable", "course")), false);
  peer.assertNoFault();
});
