/** transmission-remote-gtk 1.5.1, a graphical client, follows a running download and adds to it. */
import assert from "node:assert/strict";
import { RunningProcess } from "../../harness/processes/running_process.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { serveFront } from "./front.ts";
import { SteeredPeer } from "./steered_peer.ts";

const PATIENCE_MS = 20_000;

needs("transmission-remote-gtk", "Xvfb")("transmission-remote-gtk follows a running download", async () => {
  await using peer = await SteeredPeer.start();
  await using front = serveFront(peer);
  const { course, film } = peer;
  const home = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${home}/.config/transmission-remote-gtk`, { recursive: true });
    await Deno.writeTextFile(
      `${home}/.config/transmission-remote-gtk/config.json`,
      JSON.stringify({
        profiles: [{
          "profile-name": "peer",
          hostname: "127.0.0.1",
          port: front.port,
          username: "",
          password: "",
          "auto-connect": true,
          ssl: false,
          timeout: 40,
          "update-interval": 1,
        }],
        "profile-id": 0,
        "show-notebook": true,
        "show-graph": false,
        "add-options-dialog": false,
      }),
    );
    await peer.session.open({ path: course.path });
    await peer.runs(course);
    const display = ":93";
    await using _screen = new RunningProcess({
      command: "Xvfb",
      args: [display, "-screen", "0", "1100x800x24", "-nolisten", "tcp"],
      cwd: home,
    });
    await until(
      async () => await Deno.lstat("/tmp/.X11-unix/X93").then(() => true, () => false),
      "a screen",
      PATIENCE_MS,
    );
    await using client = new RunningProcess({
      command: "transmission-remote-gtk",
      args: [film.magnet],
      cwd: home,
      // It needs no other programs of a desktop.
      env: {
        DISPLAY: display,
        DBUS_SESSION_BUS_ADDRESS: "disabled:",
        NO_AT_BRIDGE: "1",
        GSETTINGS_BACKEND: "memory",
      },
    });
    const asked = (method: string) => front.exchanges.filter((exchange) => exchange.method === method).length;
    await until(
      () => asked("torrent-get") >= 3 || client.exitCode !== undefined,
      "its requests",
      PATIENCE_MS,
    );
    assert.equal(client.exitCode, undefined, client.tail);
    await peer.when(film, "added", ({ lacksMetadata }) => !lacksMetadata);
    assert.doesNotMatch(client.tail, /CRITICAL|Segmentation/);
    const failed = front.exchanges.filter(({ status, result }) => status !== 409 && result !== "success");
    assert.deepEqual(failed, []);
    peer.assertNoFault();
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
