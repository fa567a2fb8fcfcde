import { needs } from "../helpers/require_tool.ts";
import { Arena } from "./arena.ts";
import { clientColumns } from "./cells.ts";
import { aria2 } from "./clients/aria2.ts";
import { libtorrent } from "./clients/libtorrent.ts";
import { transmission } from "./clients/transmission.ts";

const tested = [
  { client: libtorrent, program: "libtorrent" },
  { client: transmission, program: "transmission-cli" },
  { client: aria2, program: "aria2c" },
];

for (const { client, program } of tested) {
  for (const column of clientColumns.filter(({ isSlow }) => !isSlow)) {
    needs(program)(`peer and ${client.name}: ${column.name}`, async () => {
      await using arena = await Arena.open(await column.openNetwork?.());
      await column.run(client, arena);
    });
  }
}
