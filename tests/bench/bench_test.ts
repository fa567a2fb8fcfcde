import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { BENCHES } from "./bench.ts";
import { figure, median, quantile, spread, table } from "./report.ts";

const BENCH = fileURLToPath(new URL("bench.ts", import.meta.url));

/** What each measurement must show of our own program. */
const SHOWN: Readonly<Record<keyof typeof BENCHES, RegExp>> = {
  pair: /^\| peer +\| +[\d,.]+ \| +1\.00 \|/m,
  fanout: /^\| peer +\| +[\d,.]+/m,
  lan: /^\| 2 × 100 Mbit\/s: peer +\| +[\d,.]+ \|/m,
  latency: /^\| process start to `complete` +\| +[\d,.]+ \|/m,
  start: /^\| download: `complete` +\| +[\d,.]+ \|/m,
  hash: /^\| peer check +\| +[\d,.]+ \|/m,
  big: /^\| 100 files of 1 KiB: download, peer +\| +[\d,.]+ \|/m,
  many: /^\| CPU while idle .* \| +[\d,.]+ \|/m,
  tracker: /^\| peer +\| +[\d,.]+/m,
  alternatives: /^\| as our program.* \| +[\d,.]+ \|/m,
  micro: /./,
};

/** Of the contenders that each would run twelve of, these; the others are tried in `tests/interop`. */
const FEWER: Readonly<Partial<Record<keyof typeof BENCHES, readonly string[]>>> = {
  pair: ["--only", "peer,aria2,libtorrent"],
  fanout: ["--only", "peer,aria2,libtorrent"],
};

for (const [name, shown] of Object.entries(SHOWN)) {
  Deno.test({
    name: `bench measures ${name} in a tiny size`,
    ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
    async fn() {
      const args = ["run", "--quiet", "--allow-all", BENCH, name, "--tiny", ...FEWER[name] ?? []];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.match(new TextDecoder().decode(stdout), shown);
    },
  });
}

Deno.test("median is the middle value, or the mean of the middle two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), NaN);
});

Deno.test("quantile is the least value that a share of all does not exceed", () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(quantile(values, 0.99), 99);
  assert.equal(quantile([7], 0.5), 7);
});

Deno.test("figure keeps about three digits and shows a dash for what was not measured", () => {
  assert.deepEqual([0.123, 12.34, 1234.5, NaN, Infinity].map(figure), ["0.12", "12.3", "1,235", "–", "–"]);
});

Deno.test("spread shows median, lowest and highest", () => {
  assert.equal(spread([10, 30, 20]), "20.0 (10.0–30.0)");
  assert.equal(spread([10]), "10.0");
});

Deno.test("table aligns its columns", () => {
  assert.equal(
    table(["", "MiB/s"], [["peer", "500"], ["other", "7"]]),
    "|       | MiB/s |\n| ----- | ----: |\n| peer  |   500 |\n| other |     7 |",
  );
});
