import { formatBytes } from "../../ui/number_format.ts";
import { order } from "../connection.ts";
import type { RoomView, TorrentSummary } from "../../api/shapes.ts";
import { about, clock, count, percent, rate } from "../numbers.ts";
import { details, dialog, fleet, selected } from "../store.ts";
import { haveOf, symbolOf, wordOf } from "../words.ts";
import { Bar } from "./bar.tsx";
import { Folds } from "./folds.tsx";
import { HostTable } from "./host_table.tsx";
import { Spark } from "./spark.tsx";

/** The selected torrent in full; its first line says whether everybody is done. */
export function TorrentPanel() {
  const torrent = selected.value;
  if (torrent === undefined) return null;
  const { name, length, infoHash, room } = torrent;
  const { sign, kind } = symbolOf(torrent);
  return (
    <main key={infoHash} aria-label={name} tabIndex={-1}>
      <section class="card">
        <div class="line">
          <h2>
            <bdi title={name}>{name}</bdi>
          </h2>
          <span class="small">{formatBytes(length)}</span>
          <span class={`chip ${kind}`}>{sign} {wordOf(torrent)}</span>
        </div>
        <p class="answer">{answerOf(torrent)}</p>
        <Bar part={room?.together ?? haveOf(torrent)} label="All hosts together" kind={`large ${kind}`} />
        <Figures torrent={torrent} />
        <Trouble torrent={torrent} />
        {details.value !== undefined && (
          <p class="small">
            {torrent.finished ? "The data is in" : "The data goes into"}{" "}
            <bdi class="path">{details.value.folder}</bdi>
          </p>
        )}
        <Orders torrent={torrent} />
      </section>
      <HostTable />
      <Folds />
    </main>
  );
}

/** The answer to the question of a person with thirty machines: is everybody done? */
function answerOf(torrent: TorrentSummary): string {
  const { room } = torrent;
  if (room === undefined || room.hosts < 2) return answerAlone(torrent);
  const left = room.hosts - room.done;
  if (left === 0) return `All ${room.hosts} hosts have it`;
  const last = room.lastInS === undefined ? "" : `, last one in ${about(room.lastInS)}`;
  return `${room.done} of ${room.hosts} have it · ${left} to go${last}`;
}

function answerAlone({ state, finished, etaS, connections, checked, pieces }: TorrentSummary): string {
  if (state === "checking") {
    return `Checks what is on the disk: ${percent((checked ?? 0) / Math.max(1, pieces))}`;
  }
  if (state === "fetching metadata") return "Asks others what is inside";
  if (finished) return "This machine has all of it; nobody else is here yet";
  if (etaS !== undefined && connections > 0) return `This machine is done in ${about(etaS)}`;
  return state === "paused" ? "Rests until it is resumed" : "Nobody who has it is here yet";
}

function Figures({ torrent }: { torrent: TorrentSummary }) {
  const { infoHash, downloadRate, uploadRate, addedAt, completedAt, room } = torrent;
  const { code, rarest } = details.value ?? {};
  return (
    <div class="figures">
      <dl>
        <Figure
          name="together"
          value={room && percent(room.together)}
          title="Part of all hosts' data that is there"
        />
        <Figure
          name="here"
          value={percent(haveOf(torrent))}
          title="Part of the wanted data on this machine"
        />
        <Figure
          name="was here already"
          value={torrent.reused > 0 ? percent(torrent.reused / torrent.length) : undefined}
          title="Part of it that was found in an older version on this machine"
        />
        <Figure name="sent by this machine" value={copies(room?.sentCopies)} />
        <Figure name="by the others" value={copies(room?.othersCopies)} />
        <Figure name="down" value={rate(torrent.finished ? 0 : downloadRate)} />
        <Figure name="up" value={rate(uploadRate)} />
        <Figure name="since" value={addedAt && clock(addedAt)} />
        <Figure name="complete" value={completedAt && clock(completedAt)} />
        <Figure
          name="rarest piece"
          value={rarest === undefined ? undefined : count(rarest, "copy", "copies")}
          title="Copies of the piece that the fewest have, on this machine and those connected to it"
        />
        <Figure name="code" value={code} title="Others get it with these words" />
      </dl>
      <Spark infoHash={infoHash} />
    </div>
  );
}

function copies(number: RoomView["sentCopies"]): string | undefined {
  return number === undefined ? undefined : `${number.toFixed(1)} copies`;
}

/** A number with its name; nothing while there is no number. */
function Figure(
  { name, value, title }: { name: string; value: string | number | undefined; title?: string },
) {
  if (value === undefined || value === "" || value === 0) return null;
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Why nothing moves, beside the numbers and never instead of them. */
function Trouble({ torrent: { failure, waiting, state } }: { torrent: TorrentSummary }) {
  if (failure !== undefined) return <p class="trouble bad" role="alert">⚠ {failure}</p>;
  if (waiting === undefined || state !== "downloading") return null;
  const { reason, nextTryAt } = waiting;
  const seconds = nextTryAt === undefined
    ? undefined
    : Math.max(0, Math.round((nextTryAt - Date.now()) / 1000));
  return (
    <p class="trouble" role="status">
      {reason}
      {seconds !== undefined && (seconds === 0 ? "; next try now" : `; next try in ${seconds} s`)}
    </p>
  );
}

/** The orders for a torrent. */
function Orders({ torrent: { infoHash, state, name } }: { torrent: TorrentSummary }) {
  const rests = state === "paused" || state === "failed";
  const path = `torrents/${infoHash}`;
  return (
    <div class="orders" role="group" aria-label={`Orders for ${name}`}>
      {rests
        ? (
          <button type="button" onClick={() => order(`${name} goes on`, `${path}/resume`)}>
            {state === "failed" ? "Try again" : "Resume"}
          </button>
        )
        : <button type="button" onClick={() => order(`${name} is paused`, `${path}/pause`)}>Pause</button>}
      <button type="button" onClick={() => order(`${name} is checked anew`, `${path}/verify`)}>Verify</button>
      <button type="button" onClick={() => order(`The trackers of ${name} are asked`, `${path}/reannounce`)}>
        Ask trackers
      </button>
      <button type="button" onClick={() => dialog.value = "limits"}>Limits</button>
      {details.value?.magnet !== undefined && (
        <button type="button" onClick={() => dialog.value = "code"}>Link and code</button>
      )}
      {fleet.value?.isLead && (
        <button type="button" onClick={() => dialog.value = "offer"}>Offer to hosts</button>
      )}
      <button type="button" class="bad" onClick={() => dialog.value = "remove"}>Remove</button>
    </div>
  );
}
