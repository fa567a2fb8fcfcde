import { useEffect, useState } from "preact/hooks";
import type { Examination, TorrentSummary } from "../../api/shapes.ts";
import { clock } from "../numbers.ts";
import { details, dialog, link, state } from "../store.ts";
import { enterPassword, post } from "../connection.ts";
import { useAnswer } from "../use_answer.ts";

/** After so long alone, the page says what usually keeps others away. */
const ALONE_MS = 30_000;

/** Shown while there is no torrent: what to do first. */
export function NothingShared() {
  const machine = state.value?.process.hostname;
  return (
    <main class="empty-page">
      <h2>Nothing is shared yet</h2>
      <p>
        <b>To give a file to other machines:</b> choose it here, on{" "}
        {machine}. It stays where it lies, and you get four words that are typed on each of them.
      </p>
      <p>
        <button type="button" class="main" onClick={() => dialog.value = "share"}>Share a file</button>
      </p>
      <p>
        <b>To get a file from another machine:</b>{" "}
        choose it among what is shared near by, type the four words, or drop a <code>.torrent</code>{" "}
        file here.
      </p>
      <p>
        <button type="button" onClick={() => dialog.value = "add"}>Get a file from others</button>
      </p>
    </main>
  );
}

/** Shown in place of the hosts while no other host is known. */
export function NobodyHere({ torrent }: { torrent: TorrentSummary }) {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), ALONE_MS);
    return () => clearTimeout(timer);
  }, [torrent.infoHash]);
  const { code } = details.value ?? {};
  return (
    <section class="card" aria-label="Hosts">
      <h3>No other host yet</h3>
      <p>On each machine that shall have it, with the program in a folder of its own, type:</p>
      <p class="type">
        <code class="code">
          peer {code === undefined ? <bdi>{torrent.name}.torrent</bdi> : `get ${code}`}
        </code>
      </p>
      <p>
        {code !== undefined && "Or open that machine's own page, and enter the four words at “Add”. "}
        <button type="button" onClick={() => dialog.value = "code"}>Show link and QR code</button>
      </p>
      {isLong && <Advice infoHash={torrent.infoHash} />}
    </section>
  );
}

/** What keeps others away, as far as this machine can find that out by itself. */
function Advice({ infoHash }: { infoHash: string }) {
  const ask = () => post<Examination>("session/doctor", { torrent: infoHash }).catch(() => undefined);
  const found = useAnswer(ask, [infoHash]);
  return (
    <>
      <p>
        Nobody has come for half a minute.{" "}
        {found?.summary.replace(/\.?$/, ".") ?? "This machine looks for what may be in the way …"}
      </p>
      <ul>
        {found?.checks.filter(({ verdict }) => verdict === "bad").map(({ subject, finding }) => (
          <li key={subject}>
            <b>{subject}</b>: <bdi>{finding}</bdi>
          </li>
        ))}
        <li>
          Where the others are in another network, start them with{" "}
          <code>--peer ADDRESS-OF-THIS-MACHINE</code>.
        </li>
      </ul>
    </>
  );
}

/** Shown above everything while the program is not heard; the last numbers stay, in grey. */
export function LinkLost() {
  const { value } = link;
  if (value.status !== "lost") return null;
  return (
    <p class="lost" role="alert">
      The program on this machine has not answered since{" "}
      {clock(value.since)}. These are its last numbers. It is tried again all the time; is it still running?
    </p>
  );
}

/** Asks for the password. */
export function Locked() {
  const { value } = link;
  if (value.status !== "locked") return null;
  return (
    <main class="empty-page">
      <h2>This page needs a password</h2>
      <p>
        On the machine itself, type <code>peer web</code>{" "}
        in the folder of the program: it shows an address that needs none. From elsewhere, use the password
        that the program showed when it started.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          enterPassword(String(new FormData(event.currentTarget).get("password")));
        }}
      >
        <label>
          Password <input name="password" type="password" autocomplete="current-password" autofocus />
        </label>
        <button type="submit" class="main">Open</button>
      </form>
      {value.message !== "" && <p class="trouble bad" role="alert">{value.message}</p>}
    </main>
  );
}
