import { inSlices } from "../../disk/time_slices.ts";
import type { Steps } from "../../protocol/steps.ts";
import type { RpcContext } from "./call.ts";
import { type Dialect, nameOf, writtenName } from "./names.ts";
import { isList, type Params } from "./params.ts";
import { RpcError } from "./rpc_error.ts";
import type { TorrentSnapshot } from "../../session/session.ts";
import { asksForRecent, chosenTorrents } from "./torrent_choice.ts";
import { fileFields } from "./fields/file_fields.ts";
import { type Field, TORRENT_FIELDS } from "./fields/torrent_fields.ts";
import { type ResultObject, textInSteps, WrittenJson } from "./writing.ts";
import { TorrentLook } from "./fields/torrent_look.ts";

/** A field that was asked for, under its name in the JSON-RPC dialect. */
type NamedField = readonly [name: string, field: Field];

/**
 * The method `torrent_get`: the fields of torrents, as objects or as a table whose first row has the names. Fields that
 * we do not know are left out, because clients ask for names of several versions at once.
 */
export async function torrentGet(
  params: Params,
  context: RpcContext,
  dialect: Dialect,
): Promise<ResultObject> {
  const fields = fieldsOf(params);
  const all = context.session.snapshot();
  context.recent.look(all);
  context.memories.keep(all);
  const chosen = chosenTorrents(params, all, context.recent);
  const isTable = params.text("format") === "table";
  const names = fields.map(([name]) => writtenName(name, dialect, "torrent_get"));
  const rows = await inSlices(rowsOf(chosen, fields, context, dialect, isTable));
  const torrents = new WrittenJson(`[${(isTable ? [JSON.stringify(names), ...rows] : rows).join()}]`);
  return asksForRecent(params) ? { torrents, removed: context.recent.removed } : { torrents };
}

function fieldsOf(params: Params): NamedField[] {
  const written = params.value("fields");
  if (!isList(written) || written.length === 0) throw new RpcError("invalid params", "no fields specified");
  const names = new Set(written.flatMap((name) => typeof name === "string" ? [nameOf(name)] : []));
  return [...names].flatMap((name) => {
    const field = TORRENT_FIELDS.get(name);
    return field === undefined ? [] : [[name, field] as const];
  });
}

/**
 * The JSON of each torrent: with all fields, those of a thousand torrents take a second. A torrent that is removed
 * meanwhile is left out.
 */
function* rowsOf(
  torrents: readonly TorrentSnapshot[],
  fields: readonly NamedField[],
  context: RpcContext,
  dialect: Dialect,
  isTable: boolean,
): Steps<string[]> {
  const rows: string[] = [];
  for (const snapshot of torrents) {
    const look = new TorrentLook(snapshot, context);
    try {
      // Those of a large torrent take long.
      if (fields.some(([name]) => Object.hasOwn(fileFields, name))) yield* look.readFiles();
      if (fields.some(([name]) => name === "pieces" || name === "availability")) yield* look.readPieces();
      const values = fields.map(([name, field]) => [name, field(look, dialect)] as const);
      const row = isTable ? values.map(([, value]) => value) : Object.fromEntries(values);
      rows.push(yield* textInSteps(row, dialect, "torrent_get"));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    yield;
  }
  return rows;
}
