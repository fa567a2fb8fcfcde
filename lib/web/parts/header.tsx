import { formatRate } from "../../ui/number_format.ts";
import { count } from "../numbers.ts";
import { toggle, unfolded } from "../refresh.ts";
import { dialog, log, state, torrents } from "../store.ts";

/** The first line: which machine this is, what it moves, and whether anything is wrong. */
export function Header() {
  const process = state.value?.process;
  const failed = torrents.value.filter((torrent) => torrent.state === "failed").length;
  const warnings = failed + log.value.filter(({ event }) => event === "error" || event === "warning").length;
  const showLog = () => {
    if (!unfolded.value.has("log")) toggle("log");
    document.getElementById("fold-log")?.scrollIntoView({ behavior: "smooth" });
  };
  return (
    <header>
      <h1>peer</h1>
      <span class="machine" title={process?.home}>
        {process?.hostname ?? ""}
        {torrents.value.some(({ role }) => role === "announcer") && " · announcer"}
      </span>
      <span class="totals" aria-label="Rates of this machine">
        <span title="received by this machine">↓ {formatRate(process?.downloadRate ?? 0)}</span>
        <span title="sent by this machine">↑ {formatRate(process?.uploadRate ?? 0)}</span>
      </span>
      {warnings > 0 && (
        <button type="button" class="warnings" onClick={showLog} title={count(warnings, "warning")}>
          ⚠ {warnings}
        </button>
      )}
      <button type="button" class="main" onClick={() => dialog.value = "share"}>
        Share <span class="spare">a file</span>
      </button>
      <button type="button" onClick={() => dialog.value = "add"}>Add</button>
    </header>
  );
}
