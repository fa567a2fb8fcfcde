/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The page's program, bundled into `page.js` by `deno task page`. */
import { render } from "preact";
import { App } from "./app.tsx";
import { follow, takeToken } from "./connection.ts";
import { refresh } from "./refresh.ts";
import { watchShares } from "./sharing.ts";

takeToken();
render(<App />, document.getElementById("page")!);
refresh();
watchShares();
follow();
