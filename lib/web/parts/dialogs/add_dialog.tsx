import { useState } from "preact/hooks";
import { formatBytes } from "../../../ui/number_format.ts";
import { addFiles, addLink, getNear, lookUp, type NearShare } from "../../adding.ts";
import { reasonOf } from "../../connection.ts";
import { dialog } from "../../store.ts";
import { useAnswer } from "../../use_answer.ts";
import { Dialog } from "./dialog.tsx";

const close = () => dialog.value = undefined;

/** Gets what others share: by a code, a link, a file, or from the list of what is near by. */
export function AddDialog() {
  const [text, setText] = useState("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (text.trim() !== "" && await addLink(text.trim())) close();
  };
  return (
    <Dialog title="Get a file from others">
      <form onSubmit={submit}>
        <label>
          <span>
            The words of its code, a magnet link, or the address of a <code>.torrent</code> file
          </span>
          <input
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            placeholder="otter velvet lamp river"
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
      <NearList />
      <p class="small">
        A <code>.torrent</code> file may also be dropped anywhere on this page, and a link may be pasted.
      </p>
    </Dialog>
  );
}

/** What hosts near by share, each with a button to get it. */
function NearList() {
  const [asked, setAsked] = useState(0);
  const found = useAnswer(() => lookUp().then(({ shares }) => shares, reasonOf), [asked]);
  const others = Array.isArray(found) ? found.filter(({ isHere }: NearShare) => !isHere) : [];
  return (
    <section class="near" aria-label="Shared near by" aria-busy={found === undefined}>
      <p class="line">
        <b>Shared near by</b>
        {found === undefined
          ? <span class="small">asks the hosts near by …</span>
          : <button type="button" onClick={() => setAsked(asked + 1)}>Ask again</button>}
      </p>
      {typeof found === "string" && <p class="trouble bad">{found}</p>}
      {Array.isArray(found) && others.length === 0 && (
        <p class="empty">
          Nobody near by shares anything that is not here already. Through a router nobody is found; use a
          link then.
        </p>
      )}
      <ul>
        {others.map((share: NearShare) => (
          <li key={share.infoHash}>
            <bdi class="name" title={share.name}>{share.name}</bdi>
            <small>{formatBytes(share.length)}</small>
            <small>
              <bdi>{share.hosts[0]?.name ?? ""}</bdi>
              {share.hosts.length > 1 && ` and ${share.hosts.length - 1} more`}
            </small>
            <button
              type="button"
              aria-label={`Get ${share.name}`}
              onClick={async () => await getNear(share) && close()}
            >
              Get
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
