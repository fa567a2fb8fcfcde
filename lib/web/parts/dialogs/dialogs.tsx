import { useState } from "preact/hooks";
import { order } from "../../connection.ts";
import { details, dialog, selected } from "../../store.ts";
import { AddDialog } from "./add_dialog.tsx";
import { CodeDialog } from "./code_dialog.tsx";
import { Dialog } from "./dialog.tsx";
import { OfferDialog } from "./offer_dialog.tsx";
import { ShareDialog } from "./share_dialog.tsx";

/** The dialog that is open, if any. */
export function Dialogs() {
  switch (dialog.value) {
    case "add":
      return <AddDialog />;
    case "share":
      return <ShareDialog />;
    case "remove":
      return <RemoveDialog />;
    case "limits":
      return <LimitsDialog />;
    case "code":
      return <CodeDialog />;
    case "offer":
      return <OfferDialog />;
    case "help":
      return <HelpDialog />;
  }
  return null;
}

const close = () => dialog.value = undefined;

function RemoveDialog() {
  const [deletes, setDeletes] = useState(false);
  const { name, infoHash } = selected.value!;
  const remove = async () => {
    const done = deletes ? `${name} and its data are removed` : `${name} is removed; its data stays`;
    if (await order(done, `torrents/${infoHash}/remove`, { deleteData: deletes })) close();
  };
  return (
    <Dialog title="Remove this torrent?">
      <p>
        <bdi>{name}</bdi>{" "}
        is forgotten on this machine: it is neither fetched nor shared any more. The other machines keep what
        they have.
      </p>
      <label>
        <input
          type="checkbox"
          checked={deletes}
          onChange={(event) => setDeletes(event.currentTarget.checked)}
        />{" "}
        Delete its data too
      </label>
      <p class="line">
        <button type="button" onClick={close}>Keep it</button>
        <button type="button" class="bad" onClick={remove}>{deletes ? "Remove and delete" : "Remove"}</button>
      </p>
    </Dialog>
  );
}

/** The limits that can be set for one torrent: the name in the API, its label, and the bytes in one unit of the field. */
const LIMITS = [
  ["maxDownload", "Download at most (KiB/s)", 1024],
  ["maxUpload", "Upload at most (KiB/s)", 1024],
  ["uploadSlots", "Upload to so many at once", 1],
  ["downloadSources", "Download from so many at once", 1],
  ["seedRatio", "Pause when this many copies were sent", 1],
] as const;

function LimitsDialog() {
  const { infoHash, name } = selected.value!;
  const chosen = details.value?.choices ?? {};
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const choices = Object.fromEntries(LIMITS.map(([member, _label, unit]) => {
      const text = String(form.get(member));
      return [member, text === "" ? null : Number(text) * unit];
    }));
    if (await order(`The limits of ${name} hold from now on`, `torrents/${infoHash}/choose`, choices)) {
      close();
    }
  };
  return (
    <Dialog title="Limits of this torrent">
      <form onSubmit={submit}>
        {LIMITS.map(([member, label, unit]) => {
          const value = chosen[member];
          return (
            <label key={member}>
              {label}
              <input
                name={member}
                type="number"
                min={unit === 1 && member !== "seedRatio" ? 1 : 0.01}
                step="any"
                placeholder="as for all torrents"
                defaultValue={typeof value === "number" ? String(value / unit) : ""}
              />
            </label>
          );
        })}
        <p class="line">
          <button type="button" onClick={close}>Cancel</button>
          <button type="submit" class="main">Set</button>
        </p>
      </form>
    </Dialog>
  );
}

function HelpDialog() {
  const keys = [
    ["↑ ↓", "another torrent, while the list has the focus"],
    ["Enter", "from there, or from the search, to that torrent"],
    ["/", "search"],
    ["Space", "pause or resume the torrent"],
    ["s", "share a file"],
    ["a", "get a file from others"],
    ["Tab, Enter", "everything else"],
    ["Esc", "close"],
  ];
  return (
    <Dialog title="Keys">
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
