import { formatBytes } from "../../ui/number_format.ts";
import type { TorrentSummary } from "../../api/shapes.ts";
import { count, percent, rate } from "../numbers.ts";
import { choose, selectedHash, shownTorrents, torrentFilter, torrents } from "../store.ts";
import { haveOf, symbolOf, wordOf } from "../words.ts";
import { Bar } from "./bar.tsx";
import { VirtualRows } from "./virtual_rows.tsx";

const ROW_HEIGHT = 58;

/** All torrents, one short row each; one torrent alone needs no list. */
export function TorrentList() {
  if (torrents.value.length < 2) return null;
  const shown = shownTorrents.value;
  return (
    <nav class="torrents" aria-label="Torrents" onKeyDown={enterPressed}>
      <div class="tools">
        <input
          id="search"
          type="search"
          placeholder={`Search ${count(torrents.value.length, "torrent")}  ( / )`}
          aria-label="Search the torrents"
          value={torrentFilter.value}
          onInput={(event) => torrentFilter.value = event.currentTarget.value}
        />
      </div>
      <VirtualRows
        rows={shown}
        rowHeight={ROW_HEIGHT}
        label="Torrents"
        keyOf={({ infoHash }) => infoHash}
        draw={(torrent) => <Row torrent={torrent} />}
        chosen={selectedHash.value}
        choose={choose}
      />
      {shown.length === 0 && <p class="empty">No torrent matches “{torrentFilter.value}”.</p>}
    </nav>
  );
}

/** Enter leads from the list to the torrent that is chosen, and from the search to the first one found. */
function enterPressed({ key, target }: KeyboardEvent): void {
  if (key !== "Enter") return;
  const [first] = shownTorrents.value;
  if (target instanceof HTMLInputElement && first !== undefined) choose(first.infoHash);
  // The panel is that of the torrent chosen now once it is drawn.
  requestAnimationFrame(() => document.querySelector("main")?.focus());
}

function Row({ torrent }: { torrent: TorrentSummary }) {
  const { name, room, length, finished, downloadRate, uploadRate } = torrent;
  const part = haveOf(torrent);
  const { sign, kind } = symbolOf(torrent);
  return (
    <>
      <span class="line">
        <span class={`symbol ${kind}`} aria-hidden="true">{sign}</span>
        <bdi class="name" title={name}>{name}</bdi>
        <span class="number">{room ? `${room.done}/${room.hosts}` : percent(part)}</span>
      </span>
      <Bar part={room?.together ?? part} label={`${name}: all hosts together`} kind={kind} />
      <span class="line small">
        <span>{wordOf(torrent)} · {formatBytes(length)}</span>
        <span class="number">
          {downloadRate > 0 && !finished && `↓ ${rate(downloadRate)} `}
          {uploadRate > 0 && `↑ ${rate(uploadRate)}`}
        </span>
      </span>
    </>
  );
}
