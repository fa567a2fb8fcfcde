import { formatDuration } from "../../ui/number_format.ts";
import { clock, count } from "../numbers.ts";
import type { TrackerView } from "../../api/shapes.ts";
import { trackers } from "../store.ts";

/** The trackers of the selected torrent, and what each one said. */
export function TrackersPart() {
  const list = trackers.value;
  if (list === undefined) return <p class="empty">…</p>;
  if (list.length === 0) {
    return <p class="empty">No tracker: others are found by multicast and from one another.</p>;
  }
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Trackers">
      <table>
        <thead>
          <tr>
            <th>tracker</th>
            <th>state</th>
            <th>says</th>
            <th>asked</th>
            <th>next</th>
          </tr>
        </thead>
        <tbody>{list.map((tracker) => <Row key={tracker.url} tracker={tracker} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ tracker }: { tracker: TrackerView }) {
  const { url, isOwn, standsIn, state, seeders, leechers, failure, lastAnnounceAt, nextAnnounceAt } = tracker;
  const says = [
    seeders !== undefined && count(seeders, "seeder"),
    leechers !== undefined && count(leechers, "leecher"),
  ].filter(Boolean).join(", ");
  const next = nextAnnounceAt === undefined ? undefined : Math.max(0, (nextAnnounceAt - Date.now()) / 1000);
  return (
    <tr>
      <td class="name">
        <bdi>{url}</bdi>
        {isOwn && <em>this machine</em>}
        {standsIn && <em>stands in</em>}
      </td>
      <td class={failure === undefined ? "" : "bad"}>{state}</td>
      <td>{failure ?? says}</td>
      <td>{lastAnnounceAt !== undefined && clock(lastAnnounceAt)}</td>
      <td>{next !== undefined && `in ${formatDuration(next)}`}</td>
    </tr>
  );
}
