import { formatBytes } from "../../ui/number_format.ts";
import { order } from "../connection.ts";
import type { FileView } from "../../api/shapes.ts";
import { count, percent } from "../numbers.ts";
import { files, selectedHash } from "../store.ts";
import { Bar } from "./bar.tsx";
import { VirtualRows } from "./virtual_rows.tsx";

const ROW_HEIGHT = 32;

/** The files of the selected torrent, with a tick for each one that is wanted. */
export function FilesPart() {
  const list = files.value;
  if (list === undefined) return <p class="empty">…</p>;
  if (list.length === 0) return <p class="empty">The files are known once the metadata is there.</p>;
  const wanted = list.filter(({ isWanted }) => isWanted);
  const length = wanted.reduce((sum, file) => sum + file.length, 0);
  return (
    <>
      <p class="small">
        {count(wanted.length, "file")} of {list.length.toLocaleString("en")} wanted, {formatBytes(length)}
      </p>
      <VirtualRows
        rows={list}
        rowHeight={ROW_HEIGHT}
        label="Files"
        keyOf={({ position }) => String(position)}
        draw={(file) => <Row file={file} isOnly={wanted.length === 1 && file.isWanted} />}
        class={list.length <= 10 ? "fits" : ""}
      />
    </>
  );
}

function Row({ file, isOnly }: { file: FileView; isOnly: boolean }) {
  const { position, path, length, have, isWanted, isFirst } = file;
  const want = (isWanted: boolean) =>
    order(
      isWanted ? `${path} is fetched` : `${path} is left out`,
      `torrents/${selectedHash.value}/select`,
      { files: { [isWanted ? "wanted" : "unwanted"]: [position] } },
    );
  return (
    <label class="file">
      <input
        type="checkbox"
        checked={isWanted}
        disabled={isOnly}
        title={isOnly ? "One file at least must be wanted" : undefined}
        onChange={(event) => want(event.currentTarget.checked)}
      />
      <bdi class="name" title={path}>{path}</bdi>
      {isFirst && <em>first</em>}
      <Bar part={length === 0 ? 1 : have / length} label={`${path}: part that is there`} />
      <span class="number percent">{percent(length === 0 ? 1 : have / length)}</span>
      <span class="number left">{formatBytes(length)}</span>
    </label>
  );
}
