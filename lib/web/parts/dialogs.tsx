import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { encode } from "uqr";
import { order } from "../connection.ts";
import { details, dialog, selected } from "../store.ts";
import { addFiles, addLink } from "../adding.ts";

/** The dialog that is open, if any. */
export function Dialogs() {
  switch (dialog.value) {
    case "add":
      return <AddDialog />;
    case "remove":
      return <RemoveDialog />;
    case "limits":
      return <LimitsDialog />;
    case "code":
      return <CodeDialog />;
    case "help":
      return <HelpDialog />;
  }
  return null;
}

const close = () => dialog.value = undefined;

function Dialog(
  { title, children, class: kind = "" }: { title: string; children: ComponentChildren; class?: string },
) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => box.current!.showModal(), []);
  return (
    <dialog ref={box} class={kind} aria-labelledby="dialog-title" onClose={close}>
      <form method="dialog" class="line">
        <h2 id="dialog-title">{title}</h2>
        <button type="submit" aria-label="Close">✕</button>
      </form>
      {children}
    </dialog>
  );
}

function AddDialog() {
  const [text, setText] = useState("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (text.trim() !== "" && await addLink(text.trim())) close();
  };
  return (
    <Dialog title="Add a torrent">
      <form onSubmit={submit}>
        <label>
          Magnet link, or the address of a <code>.torrent</code> file
          <input
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            placeholder="magnet:?xt=…"
            spellcheck={false}
            autofocus
          />
        </label>
        <p class="line">
          <label class="button">
            Choose <code>.torrent</code> files…
            <input
              type="file"
              accept=".torrent"
              multiple
              onChange={async (event) => {
                if (await addFiles(event.currentTarget.files ?? [])) close();
              }}
            />
          </label>
          <button type="submit" class="main" disabled={text.trim() === ""}>Add</button>
        </p>
      </form>
      <p class="small">
        A <code>.torrent</code> file may also be dropped anywhere on this page, and a link may be pasted.
      </p>
    </Dialog>
  );
}

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

function CodeDialog() {
  const magnet = details.value?.magnet ?? "";
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(magnet);
    setCopied(true);
  };
  return (
    <Dialog title="Fetch it elsewhere" class="wide">
      <p>On another machine:</p>
      <p class="type">
        <code>peer "{magnet}"</code>
      </p>
      <p class="line">
        <button type="button" class="main" onClick={copy}>{isCopied ? "Copied" : "Copy the link"}</button>
      </p>
      <p>Or with the camera, for a program that takes magnet links:</p>
      <QrCode text={magnet} />
    </Dialog>
  );
}

/** A QR code, black on white in light and dark, as cameras want it; as large as the window lets it be. */
function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text, { border: 2 });
  const squares = data.flatMap((row, y) => row.flatMap((isDark, x) => isDark ? [`M${x} ${y}h1v1h-1z`] : []));
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR code of the magnet link">
      <path d={squares.join("")} />
    </svg>
  );
}

function HelpDialog() {
  const keys = [
    ["↑ ↓", "another torrent, while the list has the focus"],
    ["/", "search"],
    ["Space", "pause or resume the torrent"],
    ["a", "add a torrent"],
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
