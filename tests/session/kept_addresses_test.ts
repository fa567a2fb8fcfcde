import assert from "node:assert/strict";
import {
  changedTiers,
  changedWebSeeds,
  type KeptAddresses,
  readAddresses,
  UNCHANGED,
  withoutTracker,
  withoutWebSeed,
  withTiers,
  withTracker,
  withWebSeed,
} from "../../lib/session/kept/kept_addresses.ts";

const url = (host: string) => `http://${host}:6969/announce`;
/** As people write them: bare hosts among URLs. */
const TIERS = [["10.0.0.1", url("10.0.0.2")], ["udp://10.0.0.3:80"]];

Deno.test("changedTiers adds trackers where they were put, and drops others, whatever the file holds later", () => {
  let kept = withTracker(UNCHANGED, TIERS, "10.0.0.4", 0);
  kept = withTracker(kept, TIERS, url("10.0.0.5"), undefined);
  kept = withTracker(kept, TIERS, url("10.0.0.6"), 2);
  assert.deepEqual(changedTiers(TIERS, kept), [
    ["10.0.0.1", url("10.0.0.2"), url("10.0.0.4")],
    ["udp://10.0.0.3:80"],
    [url("10.0.0.5"), url("10.0.0.6")],
  ]);
  kept = withoutTracker(kept, TIERS, url("10.0.0.1"));
  kept = withoutTracker(kept, TIERS, "udp://10.0.0.3:80");
  kept = withoutTracker(kept, TIERS, "10.0.0.5");
  assert.deepEqual(changedTiers(TIERS, kept), [[url("10.0.0.2"), url("10.0.0.4")], [url("10.0.0.6")]]);
  assert.deepEqual(changedTiers([["10.0.0.9"]], kept), [["10.0.0.9"], [url("10.0.0.4")], [url("10.0.0.6")]]);
  const restored = withTracker(kept, TIERS, "10.0.0.1", 7);
  assert.deepEqual(changedTiers(TIERS, restored)[0], ["10.0.0.1", url("10.0.0.2"), url("10.0.0.4")]);
  assert.deepEqual(withTracker(restored, TIERS, "10.0.0.4", 1), restored, "it is there already");
  assert.deepEqual(readAddresses(structuredClone(restored)), restored);
});

Deno.test("withTiers adds what is new of another list, and nothing that was dropped or cannot be read", () => {
  const kept = withoutTracker(UNCHANGED, TIERS, "10.0.0.1");
  const others = [["10.0.0.1", url("10.0.0.2"), "10.0.0.7"], ["", "ftp://x", "10.0.0.8", "10.0.0.9"]];
  const changed = withTiers(kept, TIERS, others);
  assert.deepEqual(changedTiers(TIERS, changed), [
    [url("10.0.0.2"), url("10.0.0.7")],
    ["udp://10.0.0.3:80"],
    [url("10.0.0.8"), url("10.0.0.9")],
  ]);
  const many = Array.from({ length: 60 }, (_, i) => Array.from({ length: 60 }, (_, j) => `10.1.${i}.${j}`));
  const full = withTiers(UNCHANGED, [], many);
  assert(full.trackers.length > 200 && JSON.stringify(full).length < 41_000);
  assert.throws(() => withTracker(full, [], `http://x/${"y".repeat(1_500)}`, undefined), RangeError);
});

Deno.test("changedWebSeeds adds and drops servers of either kind", () => {
  const listed = { webSeeds: ["http://a/"], httpSeeds: ["http://b/"] };
  const all = [...listed.webSeeds, ...listed.httpSeeds];
  let kept = withWebSeed(UNCHANGED, all, "http://c");
  kept = withoutWebSeed(kept, all, "http://b/");
  assert.deepEqual(changedWebSeeds(listed, kept), { webSeeds: ["http://a/", "http://c/"], httpSeeds: [] });
  assert.throws(() => withoutWebSeed(kept, all, "http://b/"), RangeError);
  assert.deepEqual(withWebSeed(kept, all, "http://a"), kept);
  kept = withoutWebSeed(withWebSeed(kept, all, "http://b/"), all, "http://c/");
  assert.deepEqual(changedWebSeeds(listed, kept), listed);
  assert.deepEqual(kept, UNCHANGED);
});

Deno.test("Changes of addresses that make no sense are refused, or left out where they were saved", () => {
  const refused: (() => KeptAddresses)[] = [
    () => withTracker(UNCHANGED, TIERS, "", undefined),
    () => withTracker(UNCHANGED, TIERS, "ftp://10.0.0.1", undefined),
    () => withTracker(UNCHANGED, TIERS, `http://x/${"y".repeat(2_000)}`, undefined),
    () => withoutTracker(UNCHANGED, TIERS, "10.0.0.9"),
    () => withWebSeed(UNCHANGED, [], "udp://x"),
    () => withWebSeed(UNCHANGED, [], "x"),
    () => withoutWebSeed(UNCHANGED, ["http://a/"], "http://b/"),
  ];
  for (const change of refused) assert.throws(change, RangeError);
  const saved = {
    trackers: [null, 1, { url: "" }, { url: "http://a/announce", beside: 3 }],
    droppedTrackers: "x",
    webSeeds: [1, "no url", "http://a/"],
  };
  assert.deepEqual(readAddresses(saved), {
    ...UNCHANGED,
    trackers: [{ url: "http://a/announce", beside: undefined }],
    webSeeds: ["http://a/"],
  });
  assert.deepEqual(readAddresses(null), UNCHANGED);
});
