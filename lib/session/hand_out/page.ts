/** The page from which machines without the program fetch it. */
import { printable } from "../../log.ts";
import { shareCode } from "../../protocol/share_code.ts";
import type { Share } from "../../protocol/share_messages.ts";
import { fileNameOn, type Program, type System } from "./programs.ts";

const STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}" +
  "pre{padding:.6rem;background:#8882;white-space:pre-wrap;overflow-wrap:anywhere}small{color:#777}" +
  ":root{color-scheme:light dark}";

/** The page as HTML; `base` is the address that the reader reaches, such as `http://10.0.0.5:6969/get`. */
export function handOutPage(programs: readonly Program[], shares: readonly Share[], base: string): string {
  const [first] = shares;
  const words = first === undefined ? "get" : `get ${shareCode(first.infoHash)}`;
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Get peer</title>`,
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body><h1>Get peer</h1>`,
    `<p>It fetches what machines of this network share. Nothing is installed: it is one file.</p>`,
    ...shares.length === 0 ? [] : [
      `<h2>What is shared here</h2><ul>`,
      ...shares.map(({ name, infoHash }) =>
        `<li>${escaped(printable(name))}: <code>peer get ${shareCode(infoHash)}</code></li>`
      ),
      `</ul>`,
    ],
    ...programs.length === 0 ? [`<p>There is no program here to hand out.</p>`] : [],
    ...programs.map((program) => section(program, base, words)),
    `</body></html>`,
  ].join("\n");
}

function section({ system, size, sha256 }: Program, base: string, words: string): string {
  const url = `${base}/${system.folder}/${fileNameOn(system)}`;
  return [
    `<h2>${system.name}</h2><p><a href="${url}" download>${fileNameOn(system)}</a>, ${
      Math.round(size / 1e6)
    } MB`,
    `<br><small>SHA-256 ${sha256}</small></p>`,
    `<p>In a terminal:</p><pre>${escaped(pastedLine(system, url, words))}</pre>`,
  ].join("\n");
}

/** One line that fetches the program and starts it; on Windows for its command prompt and for PowerShell. */
function pastedLine(system: System, url: string, words: string): string {
  return system.folder === "windows"
    ? `cmd /c "curl -fO ${url} && peer.exe ${words}"`
    : `curl -fO ${url} && chmod +x peer && ./peer ${words}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
