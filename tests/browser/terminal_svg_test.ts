import assert from "node:assert/strict";
import { terminalSvg } from "./terminal_svg.ts";

Deno.test("a screen becomes texts in their colours, each at its column", () => {
  const svg = terminalSvg("a <b>\n\x1b[32m██\x1b[0m\x1b[2m░\x1b[0m  50%\n\n", 10);
  assert.match(svg, /<text x="16.0" y="29" [^>]*>a &lt;b&gt;<\/text>/);
  assert.match(svg, /<text x="16.0" y="47" [^>]*fill="#5fd787">██<\/text>/);
  assert.match(svg, /<text x="32.8" y="47" [^>]*opacity="0.55">░<\/text>/);
  assert.match(svg, /<text x="41.2" y="47" [^>]*preserve"> {2}50%<\/text>/);
  assert.match(svg, /^<svg [^>]*height="68"/);
});
