/** The files of the page, as they are sent; part of the program, so that source and executable serve the same bytes. */
import css from "./page.css" with { type: "text" };
import html from "./index.html" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import script from "./page.js" with { type: "text" };

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** The files by path. */
export const PAGES: ReadonlyMap<string, PageFile> = new Map([
  ["/", { type: "text/html; charset=utf-8", text: html }],
  ["/page.css", { type: "text/css; charset=utf-8", text: css }],
  ["/page.js", { type: "text/javascript; charset=utf-8", text: script }],
  ["/icon.svg", { type: "image/svg+xml", text: icon }],
]);
