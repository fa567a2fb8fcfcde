import assert from "node:assert/strict";
import type { KeptState } from "../../lib/session/kept/kept_state.ts";
import { ProcessChoices } from "../../lib/session/kept/process_choices.ts";
import type { Changes } from "../../lib/swarm/policy.ts";

/** Choices at a moment of local time, and what was saved of them. */
function choicesAt(date: Date, kept: Changes = {}, commandLine: Changes = {}) {
  const saved: Changes[] = [];
  const state = { choices: kept, saveChoices: (own: Changes) => Promise.resolve(void saved.push(own)) };
  const clocks = { now: () => 0, wallClock: () => date.getTime() };
  const options = { choices: commandLine, configured: { choices: { altMaxUpload: 7_000 }, files: {} } };
  const choices = new ProcessChoices(options, state as unknown as KeptState, clocks);
  const rates = () => [choices.limits.upload.rate, choices.limits.download.rate];
  return { choices, saved, rates };
}

// A Wednesday; days are those of this machine's time zone.
const at = (hour: number) => new Date(2026, 0, 7, hour);
const NIGHT = { fromMinute: 22 * 60, toMinute: 6 * 60, days: 127 };

Deno.test("ProcessChoices replace the usual limits by the alternative ones while these are on", async () => {
  const { choices, saved, rates } = choicesAt(at(12), { maxUpload: 100, altMaxDownload: 5 });
  assert.deepEqual(rates(), [100, Infinity]);
  await choices.choose({ altIsOn: true });
  assert.deepEqual([rates(), choices.policy.maxUpload], [[7_000, 5], 100]);
  await choices.choose({ altMaxUpload: 3 });
  assert.deepEqual(rates(), [3, 5]);
  await choices.choose({ altMaxUpload: undefined, altIsOn: undefined });
  assert.deepEqual(rates(), [100, Infinity]);
  assert.deepEqual(saved.at(-1), { maxUpload: 100, altMaxDownload: 5 });
});

Deno.test("ProcessChoices follow the schedule, and the user until the schedule's next turn", async () => {
  const kept = { altSchedule: NIGHT, altMaxUpload: 5, altMaxDownload: 5 };
  const { choices, saved, rates } = choicesAt(at(12), kept);
  const isOn = () => rates()[0] === 5;
  assert.equal(isOn(), false);
  choices.look(at(23).getTime());
  assert.equal(isOn(), true);
  await choices.choose({ altIsOn: false });
  choices.look(at(23).getTime());
  assert.equal(isOn(), false, "the user has said so");
  choices.look(at(8).getTime());
  choices.look(at(23).getTime());
  assert.equal(isOn(), true, "the next night");
  await choices.choose({ altSchedule: "none" });
  choices.look(at(8).getTime());
  assert.equal(isOn(), true, "nobody turns it off by itself");
  assert.deepEqual(saved.at(-1), { ...kept, altIsOn: false, altSchedule: "none" });
  assert.equal(choicesAt(at(23), kept).rates()[0], 5, "a start at night");
});
