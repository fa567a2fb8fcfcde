import { signal, useComputed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { formatBytes, formatDuration } from "../../ui/number_format.ts";
import { hasIt, urgencyOf } from "../../ui/progress/room_text.ts";
import type { HostView } from "../../api/shapes.ts";
import { order as give } from "../connection.ts";
import { clock, count, percent, rate } from "../numbers.ts";
import { fleet, hosts, selected } from "../store.ts";
import { hostSign } from "../words.ts";
import { Bar } from "./bar.tsx";
import { NobodyHere } from "./empty.tsx";
import { VirtualRows } from "./virtual_rows.tsx";

const ROW_HEIGHT = 34;
/** Where the window is narrow, the reason stands below the rest. */
const NARROW_ROW_HEIGHT = 54;
const narrow = matchMedia("(max-width: 520px)");
/** Rows keep their places for so long, so that the eye can follow one. */
const SORT_EVERY_MS = 5_000;

type Filter = "all" | "not done" | "slow" | "gone";
const FILTERS: Readonly<Record<Filter, (host: HostView) => boolean>> = {
  all: () => true,
  "not done": (host) => !hasIt(host),
  slow: ({ slow }) => slow !== undefined,
  gone: ({ state }) => state === "gone",
};

type Order = "slowest first" | "name" | "address" | "fastest first";
const ORDERS: Readonly<Record<Order, (a: HostView, b: HostView) => number>> = {
  "slowest first": (a, b) => urgencyOf(a) - urgencyOf(b) || (a.part ?? 0) - (b.part ?? 0),
  name: (a, b) => compareNames(a.name ?? a.endpoint, b.name ?? b.endpoint),
  address: (a, b) => compareNames(a.endpoint, b.endpoint),
  "fastest first": (a, b) => (b.downloadRate ?? 0) - (a.downloadRate ?? 0),
};
const { compare: compareNames } = new Intl.Collator("en", { numeric: true });

const filter = signal<Filter>("all");
const order = signal<Order>("slowest first");
const search = signal("");

/** All hosts of the selected torrent; those that went away stay. */
export function HostTable() {
  const known = hosts.value;
  const places = usePlaces();
  const isNarrow = useNarrow();
  const shown = useComputed(() => {
    const words = search.value.toLowerCase();
    const matches = (host: HostView) =>
      FILTERS[filter.value](host) &&
      `${host.name ?? ""} ${host.endpoint} ${host.client ?? ""} ${host.slow ?? ""}`.toLowerCase().includes(
        words,
      );
    return (hosts.value ?? []).filter(matches);
  });
  if (known === undefined) return <section class="card hosts" aria-busy="true" />;
  if (known.filter(({ isSelf }) => !isSelf).length === 0) return <NobodyHere torrent={selected.value!} />;
  const rows = [...shown.value].sort((a, b) => placeOf(places, a) - placeOf(places, b));
  return (
    <section class="card hosts" aria-label="Hosts">
      <div class="tools">
        <input
          type="search"
          placeholder={`Search ${count(known.length, "host")}`}
          aria-label="Search the hosts"
          value={search.value}
          onInput={(event) => search.value = event.currentTarget.value}
        />
        <span class="chips" role="group" aria-label="Which hosts">
          {Object.entries(FILTERS).map(([name, matches]) => {
            const number = known.filter(matches).length;
            if (number === 0 && name !== filter.value) return null;
            return (
              <button
                type="button"
                key={name}
                aria-pressed={filter.value === name}
                onClick={() => filter.value = name as Filter}
              >
                {name} {number}
              </button>
            );
          })}
        </span>
        <label>
          sort{" "}
          <select value={order.value} onChange={(event) => order.value = event.currentTarget.value as Order}>
            {Object.keys(ORDERS).map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
      </div>
      <VirtualRows
        rows={rows}
        rowHeight={isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT}
        label="Hosts"
        keyOf={({ endpoint }) => endpoint}
        draw={(host) => <Row host={host} />}
        class={rows.length <= 12 ? "fits" : ""}
      />
      {rows.length === 0 && <p class="empty">No host matches.</p>}
    </section>
  );
}

/** Whether the window is narrow at this moment. */
function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const changed = () => setNarrow(narrow.matches);
    narrow.addEventListener("change", changed);
    return () => narrow.removeEventListener("change", changed);
  }, []);
  return isNarrow;
}

/** The place of each host, found anew every few seconds and when the order changes; newcomers come last until then. */
function usePlaces(): ReadonlyMap<string, number> {
  const [places, setPlaces] = useState<ReadonlyMap<string, number>>(new Map());
  const isKnown = hosts.value !== undefined;
  const by = order.value;
  useEffect(() => {
    const sort = () => {
      const sorted = [...hosts.peek() ?? []].sort(ORDERS[by]);
      setPlaces(new Map(sorted.map(({ endpoint }, place) => [endpoint, place])));
    };
    sort();
    const timer = setInterval(sort, SORT_EVERY_MS);
    return () => clearInterval(timer);
  }, [by, isKnown]);
  return places;
}

function placeOf(places: ReadonlyMap<string, number>, { endpoint }: HostView): number {
  return places.get(endpoint) ?? places.size;
}

function Row({ host }: { host: HostView }) {
  const { endpoint, name, client, part, left, downloadRate, isSelf, isAnnouncer, slow, state } = host;
  const { sign, kind } = hostSign(host);
  const label = name ?? addressOf(endpoint);
  return (
    <span class={`host ${kind}`}>
      <span class={`symbol ${kind}`} aria-hidden="true">{sign}</span>
      <bdi class="name" title={[label, client].filter(Boolean).join(" · ")}>
        {label}
        {isSelf && <em>this machine</em>}
        {isAnnouncer && <em>announcer</em>}
      </bdi>
      <span class="address" title={endpoint}>{name === undefined ? client : addressOf(endpoint)}</span>
      {hasIt(host) ? <span class="wide">{doneText(host)}</span> : (
        <>
          <Bar part={part ?? 0} label={`${label}: part that is there`} kind={kind} />
          <span class="number percent">{part === undefined ? "?" : percent(part)}</span>
          <span class="number left">{left ? `${formatBytes(left)} left` : ""}</span>
          {state !== "gone" && (
            <>
              <span class="number rate">{rate(downloadRate)}</span>
              <span class="number eta">{etaText(host)}</span>
            </>
          )}
        </>
      )}
      {state === "gone" ? <Gone host={host} /> : <span class="why" title={slow}>{whyText(host)}</span>}
    </span>
  );
}

/** Since when a host is gone; with a button that switches it on where it is a member of the fleet. */
function Gone({ host: { name, goneSince } }: { host: HostView }) {
  const member = fleet.value?.members.find((member) => !member.isHere && member.name === name);
  return (
    <span class="why gone">
      {goneSince === undefined ? "gone" : `gone since ${clock(goneSince)}`}
      {member !== undefined && (
        <button
          type="button"
          aria-label={`Wake ${name}`}
          onClick={() =>
            give(`The packets that wake ${name} are sent`, "fleet/wake", { hosts: [member.key] })}
        >
          Wake
        </button>
      )}
    </span>
  );
}

/** The address, without the port that nearly everybody has. */
function addressOf(endpoint: string): string {
  return endpoint.replace(/:6881$/, "");
}

function doneText({ doneAt, firstSeenAt }: HostView): string {
  if (doneAt === undefined) return "done";
  const seconds = firstSeenAt === undefined ? 0 : (doneAt - firstSeenAt) / 1000;
  return `done ${clock(doneAt)}${seconds >= 1 ? ` in ${formatDuration(seconds)}` : ""}`;
}

function etaText({ etaS }: HostView): string {
  return etaS === undefined ? "" : formatDuration(etaS);
}

function whyText({ state, slow, downloadRate }: HostView): string {
  if (state === "failed") return slow === undefined ? "failed" : `failed: ${slow}`;
  if (slow !== undefined) return `slow: ${slow}`;
  if (state === "paused" || state === "checking") return state;
  return state === "waiting" && !downloadRate ? "waits" : "";
}
