import { useEffect, useState } from "preact/hooks";
import type { TorrentSummary } from "../../api/shapes.ts";
import { clock } from "../numbers.ts";
import { details, dialog, link, state } from "../store.ts";
import { enterPassword } from "../connection.ts";

/** After so long alone, the page says what usually keeps others away. */
const ALONE_MS = 30_000;

/** Shown while there is no torrent: what to do first. */
export function NothingShared() {
  const home = state.value?.process.home;
  return (
    <main class="empty-page">
      <h2>Nothing is shared yet</h2>
      <p>Share a file from this machine with every other one:</p>
      <ol>
        <li>
          Put the file or folder into {home ? <code>{`${home}/shareable`}</code> : <code>shareable</code>}.
        </li>
        <li>
          In a terminal in that folder's parent: <code>peer create shareable/NAME</code>. It makes a small
          {" "}
          <code>.torrent</code> file.
        </li>
        <li>
          Drop the <code>.torrent</code> file on this page.
        </li>
      </ol>
      <p>
        To fetch what another machine shares, drop its <code>.torrent</code> file here, or{" "}
        <button type="button" class="main" onClick={() => dialog.value = "add"}>add a file or link</button>
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
  const magnet = details.value?.magnet;
  const { port, trackerPort } = state.value!.process;
  return (
    <section class="card" aria-label="Hosts">
      <h3>No other host yet</h3>
      <p>
        On each machine that shall have it, copy the program and the <code>.torrent</code> file, and type:
      </p>
      <p class="type">
        <code>peer {torrent.name}.torrent</code>
      </p>
      {magnet !== undefined && (
        <p>
          <button type="button" onClick={() => dialog.value = "code"}>Show the link and its code</button>{" "}
          to use without a file.
        </p>
      )}
      {isLong && (
        <>
          <p>Nobody has come for half a minute. Three things are usual:</p>
          <ul>
            <li>Nobody has started it on another machine yet.</li>
            <li>
              A firewall on this machine is in the way: allow TCP {port}
              {trackerPort !== undefined && ` and ${trackerPort}`}, and UDP 6771.{" "}
              <code>peer service install --dry-run</code> prints the lines for each system.
            </li>
            <li>
              The others are in another network: start them with <code>--peer ADDRESS-OF-THIS-MACHINE</code>.
            </li>
          </ul>
        </>
      )}
    </section>
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
        On the machine itself, <code>peer web</code>{" "}
        opens the page without one. From elsewhere, use the password that the program showed when it started.
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
