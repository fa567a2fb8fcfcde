import { useRef, useState } from "preact/hooks";
import { encode } from "uqr";
import { details, selected } from "../../store.ts";
import { Dialog } from "./dialog.tsx";

/** How others get the selected torrent: code, link and QR code, which fill the whole screen where it is a projector. */
export function CodeDialog() {
  const { magnet = "", code } = details.value ?? {};
  const poster = useRef<HTMLDivElement>(null);
  return (
    <Dialog title="How others get it" class="wide">
      {code !== undefined && (
        <>
          <p>
            On every other machine that has the program, type this in a terminal, or enter the four words at
            “Add” on that machine's own page:
          </p>
          <p class="type line">
            <code class="code">peer get {code}</code>
            <CopyButton text={`peer get ${code}`} what="the command" />
          </p>
        </>
      )}
      <p>In any other program for BitTorrent, by the link or the QR code:</p>
      <p class="line">
        <code class="name" title={magnet}>{magnet}</code>
        <CopyButton text={magnet} what="the link" />
        {document.fullscreenEnabled && (
          <button
            type="button"
            onClick={() => poster.current!.requestFullscreen()}
          >
            Full screen
          </button>
        )}
      </p>
      <div class="poster" ref={poster}>
        <p class="wall">
          <bdi>{selected.value?.name}</bdi>
          {code !== undefined && <code>peer get {code}</code>}
        </p>
        <QrCode text={magnet} />
      </div>
    </Dialog>
  );
}

function CopyButton({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  // Browsers keep the clipboard from pages that come from another machine without encryption.
  if (!globalThis.isSecureContext) return null;
  const word = isCopied ? "Copied" : "Copy";
  return <button type="button" onClick={copy} aria-label={`${word} ${what}`}>{word}</button>;
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
