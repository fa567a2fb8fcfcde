import { useEffect } from "preact/hooks";
import { addFiles, addLink, isLink } from "./adding.ts";
import { order } from "./connection.ts";
import { Dialogs } from "./parts/dialogs/dialogs.tsx";
import { LinkLost, Locked, NothingShared } from "./parts/empty.tsx";
import { Header } from "./parts/header.tsx";
import { Notice } from "./parts/notice.tsx";
import { OffersPart } from "./parts/offers_part.tsx";
import { SharingPart } from "./parts/sharing_part.tsx";
import { TorrentList } from "./parts/torrent_list.tsx";
import { TorrentPanel } from "./parts/torrent_panel.tsx";
import { dialog, isUp, link, selected, state, torrents } from "./store.ts";

/** The whole page. */
export function App() {
  useEffect(listenEverywhere, []);
  if (link.value.status === "locked") return <Locked />;
  if (state.value === undefined) return <Connecting />;
  return (
    <div class={isUp.value ? "page" : "page stale"}>
      <Header />
      <LinkLost />
      <OffersPart />
      <SharingPart />
      <div class={torrents.value.length > 1 ? "columns" : "column"}>
        <TorrentList />
        {torrents.value.length === 0 ? <NothingShared /> : <TorrentPanel />}
      </div>
      {dialog.value === undefined && <Notice />}
      <Dialogs />
    </div>
  );
}

function Connecting() {
  const isLost = link.value.status === "lost";
  return (
    <>
      <header>
        <h1>peer</h1>
      </header>
      <main class="empty-page" aria-busy={!isLost}>
        <h2>{isLost ? "The program does not answer" : "…"}</h2>
        {isLost && (
          <p>
            Is <code>peer</code> running on this machine? It is tried again all the time.
          </p>
        )}
      </main>
    </>
  );
}

/** Takes files and links wherever they are dropped or pasted, and the keys. Returns a function that ends this. */
function listenEverywhere(): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  document.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const files = event.dataTransfer?.files;
    const text = event.dataTransfer?.getData("text/plain").trim();
    if (files?.length) addFiles(files);
    else if (text) addLink(text);
  }, { signal });
  document.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    if (!isTyping(event) && isLink(text)) addLink(text);
  }, { signal });
  document.addEventListener("keydown", keyPressed, { signal });
  return () => ending.abort();
}

function keyPressed(event: KeyboardEvent): void {
  if (isTyping(event) || dialog.value !== undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const torrent = selected.value;
  const isButton = event.target instanceof HTMLElement && event.target.closest("button, summary, a") !== null;
  if (event.key === "/") document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
  else if (event.key === "a") dialog.value = "add";
  else if (event.key === "s") dialog.value = "share";
  else if (event.key === "?") dialog.value = "help";
  else if (event.key === " " && !isButton && torrent !== undefined) {
    const rests = torrent.state === "paused" || torrent.state === "failed";
    order(
      `${torrent.name} ${rests ? "goes on" : "is paused"}`,
      `torrents/${torrent.infoHash}/${rests ? "resume" : "pause"}`,
    );
  } else return;
  event.preventDefault();
}

function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
