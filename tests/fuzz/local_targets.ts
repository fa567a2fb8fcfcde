/** Decoders of what lies on this machine or is typed here: the resume state and the command line. */
import assert from "node:assert/strict";
import { CommanderError } from "commander";
import { ProtocolError } from "../../lib/errors.ts";
import {
  readPeers,
  readPhase,
  readSession,
  readStamps,
  readTotals,
} from "../../lib/disk/state/resume_records.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { decode, encode } from "../../lib/protocol/bencode.ts";
import { fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { CONNECTIONS } from "../../lib/settings.ts";
import { buildProgram } from "../../lib/ui/program.ts";
import { Failure } from "../../lib/ui/failure.ts";
import { mutateBencode, mutateBytes, pick } from "./mutators.ts";
import { bytes, type Target } from "./target.ts";

/** A value as Deno KV may hold it: texts are texts, not bytes. */
function stored(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.length < 40 ? fromUtf8(value) : value;
  if (Array.isArray(value)) return value.map(stored);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, stored(member)]));
}

const LINES = [
  "start age.torrent --port 6881 --max-upload 1.5MiB --progress json",
  "--peer 10.0.0.5:6881 --peer [fd00::5]:1 --only *.pdf --rechoke 30 magnet:?xt=urn:btih:aaaa",
  "create shareable/age.txt --announce 10.0.0.5 --piece-length 64KiB --web-seed http://h/ --json",
  "edit age.torrent --announce udp://10.0.0.5:6969",
  "info age.torrent --json",
  "check age.torrent --home /tmp/x",
  "start --host :: --tracker-port 0 --no-tracker --exit-when-complete --seed-for 1.5 --log-level debug",
  "start --encryption require --ip-filter list.p2p --upload-slots 4 --download-sources 4 --max-download 10M",
];

export const LOCAL_TARGETS: readonly Target[] = [
  {
    name: "resume state",
    seeds: [
      encode({ version: 1, clean: 1, ports: { peer: 6881, tracker: 6969 } }),
      encode({ version: 1, ports: { peer: 6881 } }),
      encode({ phase: "active" }),
      encode({ uploaded: 5, downloaded: 2 ** 40 }),
      encode(["10.0.0.5:6881", "[fd00::5]:1", "[fe80::1%eth0]:1"]),
      encode(bytes(72, 0x40)),
    ],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input, random) {
      const value = stored(decode(input));
      try {
        const session = readSession(value);
        assert.ok(session === undefined || session.ports === undefined || session.ports.peer < 65536);
      } catch (error) {
        assert.match(String(error), /expected version 1, got/);
      }
      readPhase(value);
      const { uploaded, downloaded } = readTotals(value);
      assert.ok(Number.isSafeInteger(uploaded) && Number.isSafeInteger(downloaded));
      assert.ok(readPeers(value).length <= CONNECTIONS.rememberedPeers);
      const raw = value instanceof Uint8Array ? value : input;
      const numbers = new Float64Array(raw.slice(0, raw.length & ~7).buffer);
      const files = Math.floor(random() * 20);
      assert.equal(readStamps(pick([value, numbers], random), files).length, files);
      Bitfield.fromBytes(raw, Math.floor(random() * 8 * raw.length));
    },
  },
  {
    name: "command line",
    seeds: LINES.map((line) => toUtf8(line.replaceAll(" ", "\n"))),
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const program = buildProgram(() => {});
      for (const command of [program, ...program.commands]) {
        command.configureOutput({ writeOut() {}, writeErr() {} }).action(() => {});
      }
      try {
        program.parse(fromUtf8(input).split("\n"), { from: "user" });
      } catch (error) {
        assert.ok(error instanceof Failure || error instanceof CommanderError, String(error));
        throw new ProtocolError(error.message);
      }
    },
  },
];
