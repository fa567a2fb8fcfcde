import assert from "node:assert/strict";
import { type Candidate, choose, fill, fillBehind } from "../../../lib/swarm/peers/choker.ts";
import { candidatesIn, drawDecisions } from "../../harness/data/pictures.ts";
import { seededRandom } from "../../harness/data/random.ts";

/** Who of the candidates in a picture gets a place in a round of `places`. */
function round(picture: string, places = 4, random = seededRandom(1)): string {
  const candidates = candidatesIn(picture);
  return drawDecisions(choose(candidates, places, random), candidates.length);
}

Deno.test("choose gives three places to the fastest and one by chance", () => {
  const random = seededRandom(5);
  for (let i = 0; i < 50; i++) {
    const drawing = round("1935 27 4", 4, random);
    assert.equal([...drawing].filter((mark) => mark === "C").length, 1);
    assert.equal(drawing.replace("C", "."), ".F.F.F.");
  }
});

Deno.test("choose leaves no place empty while somebody wants it", () => {
  assert.equal(round("37"), "FF");
  assert.equal(round("0000"), "CCCC");
  assert.equal(round("9000"), "FCCC");
  assert.equal(round("00009000").replaceAll(".", "").length, 4);
  assert.equal(round(""), "");
});

Deno.test("choose gives a single place by chance, and no place when there is none", () => {
  assert.equal(round("90", 1, () => 0), "C.");
  assert.equal(round("90", 1, () => 0.9), ".C");
  assert.equal(round("999", 0), "...");
});

Deno.test("choose never calls somebody fast who gave nothing", () => {
  for (let seed = 1; seed < 20; seed++) assert(!round("00000", 4, seededRandom(seed)).includes("F"));
});

/** How often each of the candidates wins one place out of `rounds`. */
function wins(draw: (random: () => number) => number[], count: number, rounds: number): number[] {
  const random = seededRandom(11);
  const won = new Array<number>(count).fill(0);
  for (let i = 0; i < rounds; i++) for (const number of draw(random)) won[number - 1]++;
  return won;
}

Deno.test("choose favours newcomers three to one for the place by chance", () => {
  const candidates = candidatesIn("999 0a0a");
  const won = wins(
    (random) =>
      choose(candidates, 4, random).filter(({ reason }) => reason === "by chance").map(({ number }) =>
        number
      ),
    candidates.length,
    8_000,
  );
  assert.deepEqual(won.slice(0, 3), [0, 0, 0]);
  for (const old of [won[3], won[5]]) assert(Math.abs(old - 1_000) < 100, `${old} of 8000`);
  for (const newcomer of [won[4], won[6]]) assert(Math.abs(newcomer - 3_000) < 150, `${newcomer} of 8000`);
});

Deno.test("fill gives free places to different candidates, fast or not, newcomers favoured", () => {
  const candidates = candidatesIn("90a");
  const drawn = fill(candidates, 2, seededRandom(2));
  assert.equal(new Set(drawn.map(({ number }) => number)).size, 2);
  assert.equal(drawDecisions(fill(candidates, 5, seededRandom(2)), 3), "PPP");
  assert.equal(drawDecisions(fill(candidates, 0, seededRandom(2)), 3), "...");
  const won = wins((random) => fill(candidates, 1, random).map(({ number }) => number), 3, 5_000);
  assert(Math.abs(won[2] - 3_000) < 150, `${won[2]} of 5000`);
});

Deno.test("choose and fill survive a source of chance that yields its largest value", () => {
  const candidates: Candidate[] = candidatesIn("0a0");
  const random = () => 1 - Number.EPSILON / 2;
  assert.equal(choose(candidates, 4, random).length, 3);
  assert.equal(fill(candidates, 4, random).length, 3);
});

Deno.test("fillBehind gives free slots to those who have little, and by chance among those who have about as much", () => {
  const waiting = [7, 2, 9, 2, 2].map((have, i) => ({ number: i + 1, have }));
  const winners = (free: number, random: () => number) =>
    fillBehind(waiting, free, random).map(({ number }) => number).sort();
  const random = seededRandom(3);
  assert.deepEqual(winners(3, random), [2, 4, 5]);
  assert.deepEqual(winners(9, random), [1, 2, 3, 4, 5]);
  assert.deepEqual(winners(0, random), []);
  assert.deepEqual(winners(-1, random), []);
  const won = wins((draw) => winners(1, draw), 5, 3_000);
  assert.deepEqual([won[0], won[2]], [0, 0]);
  for (const index of [1, 3, 4]) assert(won[index] > 850 && won[index] < 1_150, won.join(", "));
  // Of two that differ little beside the others, the one that is behind wins more often, and not always.
  const near = [0, 3, 20].map((have, i) => ({ number: i + 1, have }));
  const [first, second, third] = wins(
    (draw) => fillBehind(near, 1, draw).map(({ number }) => number),
    3,
    3_000,
  );
  assert(first > second && second > 300 && third === 0, [first, second, third].join(", "));
});
