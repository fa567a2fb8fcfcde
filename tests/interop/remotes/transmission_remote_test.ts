/** `transmission-remote` 3.00 steers a peer in the middle of a download. */
import assert from "node:assert/strict";
import { needs } from "../../harness/processes/require_tool.ts";
import { exists, outputOf, SteeredPeer } from "./steered_peer.ts";
import { finish } from "../../../lib/protocol/steps.ts";

needs("transmission-remote")("transmission-remote steers a running download", async () => {
  await using peer = await SteeredPeer.start();
  const { session, course, film } = peer;
  const remote = (...args: string[]) =>
    outputOf("transmission-remote", `127.0.0.1:${peer.port}`, "-n", `anybody:${peer.password}`, ...args);
  /** Gives an order, and fails unless the peer calls it a success. */
  const order = async (...args: string[]) => {
    assert.match(await remote(...args), /responded: "success"/, args.join(" "));
  };

  await order("-a", course.path);
  await order("-a", film.magnet);
  await peer.runs(course);
  await peer.when(film, "metadata", ({ lacksMetadata }) => !lacksMetadata);
  const list = await remote("-l");
  assert.match(list, /^ +1 +\d+%.* (Downloading|Up & Down) +course$/m);
  assert.match(list, /^ +2 +\d+%.*film\.mkv$/m);
  assert.match(list, /^Sum:/m);

  const info = await remote("-t", "1", "-i");
  assert.match(info, new RegExp(`Hash: ${course.infoHash}`));
  assert.match(info, /State: (Downloading|Up & Down)/);
  assert.match(info, /Location: .*shareable/);
  assert.match(info, /Piece Size: 256\.0 KiB/);
  assert.match(await remote("-t", course.infoHash, "-ip"), /127\.0\.0\.1 .* peer/);
  assert.match(await remote("-t", "1", "-it"), /Tracker 0: http:\/\/127\.0\.0\.1:\d+.*Active in tier 0/s);
  assert.match(await remote("-t", "1", "-ic"), /[01]{8}/);

  await order("-t", "1", "-S");
  await peer.when(course, "paused", ({ state }) => state === "paused");
  assert.match(await remote("-l"), /Stopped +course$/m);
  await order("-t", "1", "-s");
  await peer.when(course, "resumed", ({ state }) => state === "downloading");

  await order("-t", "1", "-G", "1");
  assert.deepEqual(finish(session.files(course.infoHash)).map(({ isWanted }) => isWanted), [true, false]);
  await order("-t", "1", "-g", "1", "-ph", "1");
  const files = finish(session.files(course.infoHash));
  assert.deepEqual(files.map(({ isWanted, isFirst }) => [isWanted, isFirst]), [[true, false], [true, true]]);
  const listed = await remote("-t", "1", "-f");
  assert.match(listed, /0: +\d+% Normal +Yes +8\.39 MB +course\/a\.bin/);
  assert.match(listed, /1: +\d+% High +Yes +8\.39 MB +course\/b\.bin/);

  await order("-t", "1", "-d", "50", "-u", "20");
  const { maxDownload, maxUpload } = session.choices(course.infoHash);
  assert.deepEqual([maxDownload, maxUpload], [50_000, 20_000]);
  await order("-t", "1", "-D", "-U");
  await order("-d", "300", "-u", "200");
  assert.deepEqual([session.choices().maxDownload, session.choices().maxUpload], [300_000, 200_000]);
  const settings = await remote("-si");
  assert.match(settings, /Download speed limit: 300 kB\/s/);
  assert.match(settings, /Daemon version: 4\.0\.6 \(peer/);
  await order("-U");
  assert.equal(session.choices().maxUpload, Infinity);
  await order("-t", "2", "-L", "film,night");
  assert.deepEqual(peer.find(film)?.labels, ["film", "night"]);

  await order("-as", "-asd", "30", "-asu", "10");
  assert.equal(session.process().isAlternative, true);
  assert.equal(session.process().choices.altMaxDownload, 30_000);
  assert.match(await remote("-si"), /Download speed limit: 30 kB\/s/);
  await order("-AS");
  assert.equal(session.process().isAlternative, false);
  await order("-t", "1", "-sr", "1.5");
  assert.equal(session.choices(course.infoHash).seedRatio, 1.5);
  await order("-t", "1", "-td", "http://127.0.0.1:1/announce");
  assert.equal(session.trackers(course.infoHash).length, 2);
  assert.match(await remote("-t", "1", "-it"), /Tracker 1: http:\/\/127\.0\.0\.1:1/);
  await order("-t", "1", "-tr", "1");
  assert.equal(session.trackers(course.infoHash).length, 1);

  await order("-t", "1", "--reannounce");
  await order("-t", "2", "-v");
  assert.match(await remote("-st"), /CURRENT SESSION[\s\S]*Downloaded: +[\d.]+ [kM]B[\s\S]*TOTAL/);
  assert.match(await remote("-pt"), /Port is open: Yes/);

  await order("-t", "2", "-r");
  await peer.leaves(film);
  await order("-d", "100000");
  await peer.when(course, "complete", ({ finished }) => finished);
  assert.match(await remote("-l"), /^ +1 +100%.* Done .*course$/m);
  await order("-t", "1", "-rad");
  await peer.leaves(course);
  assert.equal(await exists(peer.machine.path("shareable", "course")), false);
  await order("--exit");
  assert.equal(peer.stops, 1);
  peer.assertNoFault();
});
