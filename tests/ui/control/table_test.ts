import assert from "node:assert/strict";
import { paintFor, plain } from "../../../lib/ui/control/paint.ts";
import { type Column, tableLines } from "../../../lib/ui/control/table.ts";
import { widthOf } from "../../../lib/ui/text_format.ts";

interface Item {
  readonly name: string;
  readonly size: string;
  readonly note: string;
}

const COLUMNS: readonly Column<Item>[] = [
  { title: "NAME", text: ({ name }) => name, rank: 0, isElastic: true },
  { title: "SIZE", text: ({ size }) => size, rank: 1, isNumber: true },
  { title: "NOTE", text: ({ note }) => note, rank: 2, style: () => "red" },
];

const item = (name: string, size = "", note = ""): Item => ({ name, size, note });
const lines = (width: number, ...items: Item[]) => tableLines(COLUMNS, items, { width, paint: plain });

Deno.test("a table has aligned columns, and none in which every cell is empty", () => {
  assert.deepEqual(lines(80, item("a", "1 B", "x"), item("film.mp4", "100 MiB")), [
    "NAME         SIZE  NOTE",
    "a             1 B  x",
    "film.mp4  100 MiB",
  ]);
  assert.deepEqual(lines(80, item("a", "1 B")), ["NAME  SIZE", "a      1 B"]);
});

Deno.test("a narrow table cuts names, and then leaves out columns of a high rank", () => {
  const long = item("a name that is quite long.mp4", "100 MiB", "seldom wanted");
  assert.deepEqual(lines(Infinity, long)[1], "a name that is quite long.mp4  100 MiB  seldom wanted");
  assert.deepEqual(lines(45, long)[1], "a name that is quite…  100 MiB  seldom wanted");
  assert.deepEqual(lines(30, long)[1], "a name that is quite…  100 MiB");
  assert.deepEqual(lines(10, long).map(widthOf).filter((width) => width > 16), []);
});

Deno.test("names from outside are as wide as they look, and move nothing", () => {
  const [, first, second] = lines(
    40,
    item("\x1b[31mred\n\u202egpj.exe", "1 B"),
    item("講義ビデオ😀", "20 B"),
  );
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(first + second, /[\x00-\x1f\u202e]/);
  assert.equal(widthOf(first), widthOf(second));
});

Deno.test("a sentence below a row is wrapped", () => {
  const drawing = { width: 24, paint: plain, below: () => ({ text: "nobody here has the data yet" }) };
  assert.deepEqual(tableLines(COLUMNS, [item("a")], drawing), [
    "NAME",
    "a",
    "    nobody here has the",
    "    data yet",
  ]);
});

Deno.test("colour is for terminals, unless the user says otherwise", () => {
  const paintOn = (isTerminal: boolean, variable?: string) => {
    const before = Deno.env.get("NO_COLOR");
    Deno.env.delete("NO_COLOR");
    try {
      if (variable !== undefined) Deno.env.set(variable, "1");
      return paintFor({ isTerminal: () => isTerminal })("text", "red");
    } finally {
      if (variable !== undefined) Deno.env.delete(variable);
      if (before !== undefined) Deno.env.set("NO_COLOR", before);
    }
  };
  assert.equal(paintOn(true), "\x1b[31mtext\x1b[0m");
  assert.equal(paintOn(false), "text");
  assert.equal(paintOn(true, "NO_COLOR"), "text");
  assert.equal(paintOn(false, "FORCE_COLOR"), "\x1b[31mtext\x1b[0m");
});
