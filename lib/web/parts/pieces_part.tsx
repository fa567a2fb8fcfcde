import { useEffect, useRef } from "preact/hooks";
import type { PiecesView } from "../../api/shapes.ts";
import { count } from "../numbers.ts";
import { pieces, selected } from "../store.ts";

/** The copies of each piece, as one field of a canvas for each; many pieces share a field. */
export function PiecesPart() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const value = pieces.value;
  const total = selected.value?.pieces ?? 0;
  useEffect(() => {
    if (value !== undefined && canvas.current !== null) draw(canvas.current, value, total);
  }, [value, total]);
  if (total === 0) return <p class="empty">The pieces are known once the metadata is there.</p>;
  const fewest = value && fewestCopies(value, total);
  return (
    <>
      <p class="small">
        {count(total, "piece")}. Full colour: here. Grey: copies at connected peers, darker is more. Red: at
        nobody.
        {fewest !== undefined &&
          ` The rarest piece that is missing here has ${count(fewest, "copy", "copies")}.`}
      </p>
      <canvas ref={canvas} class="pieces" role="img" aria-label={`Copies of ${count(total, "piece")}`} />
    </>
  );
}

/** Copies, at connected peers, of the rarest piece that is not here; undefined when all are here. */
function fewestCopies({ have, availability }: PiecesView, total: number): number | undefined {
  const bits = fromBase64(have);
  let fewest: number | undefined;
  for (let index = 0; index < total; index++) {
    if (hasBit(bits, index)) continue;
    fewest = Math.min(fewest ?? Infinity, availability[index] ?? 0);
  }
  return fewest;
}

function draw(canvas: HTMLCanvasElement, { have, availability }: PiecesView, total: number): void {
  const scale = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  // The largest square fields with which all pieces fit, down to two pixels; more pieces share a field.
  let side = 14;
  while (side > 2 && Math.floor(width / side) * Math.floor(height / side) < total) side--;
  const columns = Math.max(1, Math.floor(width / side));
  const fields = Math.min(total, columns * Math.max(1, Math.floor(height / side)));
  const bits = fromBase64(have);
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const [here, nobody, copy] = ["--accent", "--bad", "--text"].map(colour);
  const most = availability.reduce((most, copies) => Math.max(most, copies), 1);
  for (let field = 0; field < fields; field++) {
    const from = Math.floor(field * total / fields);
    const to = Math.max(from + 1, Math.floor((field + 1) * total / fields));
    let [stored, copies] = [0, Infinity];
    for (let index = from; index < to; index++) {
      if (hasBit(bits, index)) stored++;
      else copies = Math.min(copies, availability[index] ?? 0);
    }
    const isHere = stored === to - from;
    context.fillStyle = isHere ? here : copies === 0 ? nobody : copy;
    context.globalAlpha = isHere ? 1 : copies === 0 ? 0.5 : 0.15 + 0.45 * copies / most;
    context.fillRect(field % columns * side, Math.floor(field / columns) * side, side - 1, side - 1);
  }
}

/** Bits are counted from the highest of the first byte (BEP 3, bitfield). */
function hasBit(bytes: Uint8Array, index: number): boolean {
  return (bytes[index >> 3] & (0x80 >> (index & 7))) !== 0;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
