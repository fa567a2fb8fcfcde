import { useEffect, useState } from "preact/hooks";
import type { FolderView } from "../../../api/shapes.ts";
import { formatBytes } from "../../../ui/number_format.ts";
import { post, reasonOf } from "../../connection.ts";
import { share } from "../../sharing.ts";
import { dialog, state } from "../../store.ts";
import { Dialog } from "./dialog.tsx";
import { VirtualRows } from "../virtual_rows.tsx";

const ROW_HEIGHT = 42;
/** The time between two looks into the folder: a file that the user puts there appears by itself. */
const LOOK_EVERY_MS = 2_000;

type Entry = FolderView["entries"][number];

/** Lets the user share a file or folder of the machine that runs the program, which may be another one than this. */
export function ShareDialog() {
  const [folder, setFolder] = useState<string>();
  const [path, setPath] = useState("");
  const { look, trouble } = useLook(folder);
  const { hostname, home } = state.value!.process;
  const begin = async (path: string) => {
    if (await share(path)) dialog.value = undefined;
  };
  return (
    <Dialog title="Share a file or folder" class="wide">
      <p>
        It stays where it lies on <b>{hostname}</b>, and the others get it from there.
      </p>
      {look !== undefined && (
        <>
          <p class="line">
            <bdi class="name">
              <code title={look.folder}>{look.folder}</code>
            </bdi>
            <span class="chips">
              {look.parent !== undefined && (
                <button type="button" onClick={() => setFolder(look.parent)}>↑ Up</button>
              )}
              {look.folders.filter((each) => each !== look.folder && look.folders.length > 1).map((each) => (
                <button type="button" key={each} onClick={() => setFolder(each)}>
                  <bdi>{nameOf(each)}</bdi>
                </button>
              ))}
              {look.entries.length > 0 && (
                <button type="button" onClick={() => begin(look.folder)}>Share this folder</button>
              )}
            </span>
          </p>
          {look.entries.length === 0
            ? (
              <p class="empty">
                Nothing is in this folder yet. Put the file or folder there, on{" "}
                {hostname}, and it appears here.
              </p>
            )
            : (
              <VirtualRows
                rows={look.entries}
                rowHeight={ROW_HEIGHT}
                label="Files and folders"
                keyOf={({ path }) => path}
                draw={(entry) => <Row entry={entry} open={setFolder} begin={begin} />}
                class={look.entries.length <= 8 ? "fits" : "choice"}
              />
            )}
          {look.isCut && <p class="small">There are more; type the path of one that is not in the list.</p>}
        </>
      )}
      {trouble !== undefined && <p class="trouble bad" role="alert">{trouble}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (path.trim() !== "") begin(path.trim());
        }}
      >
        <label>
          Or its path on {hostname}
          <span class="line">
            <input
              value={path}
              onInput={(event) => setPath(event.currentTarget.value)}
              placeholder={`${home}/shareable/lecture.mp4`}
              spellcheck={false}
            />
            <button type="submit" class="main" disabled={path.trim() === ""}>Share</button>
          </span>
        </label>
      </form>
      <p class="small">
        This page may share what lies in the folders above. For a file elsewhere, type{" "}
        <code>peer share PATH</code> in a terminal on {hostname}, in <code>{home}</code>{" "}
        – or name its folder in <code>peer.toml</code>, and start the program anew:{" "}
        <code>output-folders = ["/srv/films"]</code>
      </p>
    </Dialog>
  );
}

function Row({ entry, open, begin }: {
  entry: Entry;
  open: (folder: string) => void;
  begin: (path: string) => void;
}) {
  const { name, path, isFolder, length } = entry;
  return (
    <span class="entry-row">
      {isFolder
        ? (
          <button type="button" class="folder name" onClick={() => open(path)}>
            <span aria-hidden="true">▸</span> <bdi>{name}</bdi>/
          </button>
        )
        : <bdi class="name" title={name}>{name}</bdi>}
      <small>{length !== undefined && formatBytes(length)}</small>
      <button type="button" aria-label={`Share ${name}`} onClick={() => begin(path)}>Share</button>
    </span>
  );
}

/** What is in a folder now, looked at again and again; undefined until it is known. */
function useLook(folder: string | undefined) {
  const [look, setLook] = useState<FolderView>();
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => {
    let isShown = true;
    const refresh = async () => {
      try {
        const found = await post<FolderView>("shares/look", folder === undefined ? {} : { folder });
        if (!isShown) return;
        setLook((before) => JSON.stringify(before) === JSON.stringify(found) ? before : found);
        setTrouble(undefined);
      } catch (error) {
        if (isShown) setTrouble(reasonOf(error));
      }
    };
    refresh();
    const timer = setInterval(refresh, LOOK_EVERY_MS);
    return () => {
      isShown = false;
      clearInterval(timer);
    };
  }, [folder]);
  return { look, trouble };
}

/** The last step of a path of any system. */
function nameOf(path: string): string {
  return path.split(/[/\\]/).filter((step) => step !== "").at(-1) ?? path;
}
