import assert from "node:assert/strict";
import { hostLines } from "../../../lib/ui/control/hosts_command.ts";
import { plain } from "../../../lib/ui/control/paint.ts";
import type { HostView, RoomView } from "../../../lib/api/shapes.ts";
import { hostView } from "../../harness/sessions/api_shapes.ts";

const page = { width: 100, paint: plain };
/** 22:04:05 on this machine. */
const AT = new Date(2026, 10, 28, 22, 4, 5).getTime();

const host = (number: number, changes: Partial<HostView> = {}): HostView =>
  hostView(`10.0.0.${number}:6881`, {
    name: `pc-${number}`,
    state: "downloading",
    part: 0.719,
    left: 1.2 * 2 ** 30,
    downloadRate: 8 * 2 ** 20,
    etaS: 150,
    ...changes,
  });
const room: RoomView = { hosts: 4, done: 1, gone: 1, slow: 1, together: 0.6, lastInS: 150 };

Deno.test("hosts says who is done, and puts those first who need a person", () => {
  const hosts = [
    host(1, { isSelf: true, state: "done", part: 1, left: 0, downloadRate: 0, doneAt: AT }),
    host(2, { state: "gone", part: 0.3, downloadRate: 0, goneSince: AT }),
    host(3, { slow: "its disk" }),
    host(4, { state: "failed", slow: "its disk is full", downloadRate: 0 }),
  ].map(({ etaS, ...rest }) => rest.state === "downloading" ? { ...rest, etaS: etaS! } : rest);
  assert.deepEqual(hostLines(hosts, room, page), [
    "1 of 4 hosts have it, last one in about 2m30s",
    "HOST  ADDRESS               STATE        DONE     LEFT     DOWN            TIME  WHY SLOW",
    "pc-4  10.0.0.4:6881         failed        71%  1.2 GiB                           its disk is full",
    "pc-3  10.0.0.3:6881         downloading   71%  1.2 GiB  8 MiB/s           2m30s  its disk",
    "pc-2  10.0.0.2:6881         gone          30%  1.2 GiB           since 22:04:05",
    "pc-1  10.0.0.1:6881 (here)  done         100%                       at 22:04:05",
  ]);
});

Deno.test("hosts says when all are done, and when nobody else is there", () => {
  const done = { state: "done" as const, part: 1, left: 0, downloadRate: 0 };
  assert.equal(hostLines([host(1, done), host(2, done)], undefined, page)[0], "all 2 hosts have it");
  assert.equal(hostLines([host(1, { isSelf: true })], undefined, page)[0], "no other machine is known yet");
});
