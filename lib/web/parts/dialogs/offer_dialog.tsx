import { useState } from "preact/hooks";
import { order } from "../../connection.ts";
import { refreshFleet } from "../../refresh.ts";
import { dialog, fleet, selected } from "../../store.ts";
import { count } from "../../numbers.ts";
import { Dialog } from "./dialog.tsx";

/** Offers the selected torrent to hosts of the fleet, of which this one is a lead. */
export function OfferDialog() {
  const { name, infoHash } = selected.value!;
  const { members = [], name: fleetName = "" } = fleet.value ?? {};
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const chosen = members.filter(({ key }) => !left.has(key));
  const choose = (key: string, isChosen: boolean) => {
    const next = new Set(left);
    if (isChosen) next.delete(key);
    else next.add(key);
    setLeft(next);
  };
  const offer = async (event: SubmitEvent) => {
    event.preventDefault();
    // Without names it is for those that come later, too.
    const to = left.size === 0 ? {} : { to: chosen.map(({ name }) => name) };
    if (!await order(`${name} is offered`, "fleet/offer", { infoHash, ...to })) return;
    dialog.value = undefined;
    await refreshFleet();
  };
  return (
    <Dialog title="Offer to the hosts of the fleet">
      <p>
        The hosts of <bdi>{fleetName}</bdi> that are ticked are offered <bdi>{name}</bdi>. Those that are away
        {" "}
        are asked when they are back.
      </p>
      <form onSubmit={offer}>
        <div class="members" role="group" aria-label="Hosts of the fleet">
          {members.map(({ key, name, isHere }) => (
            <label key={key}>
              <input
                type="checkbox"
                checked={!left.has(key)}
                onChange={(event) => choose(key, event.currentTarget.checked)}
              />{" "}
              <bdi>{name}</bdi> {!isHere && <small>away</small>}
            </label>
          ))}
          {members.length === 0 && <p class="empty">No host has come yet: those that come are offered it.</p>}
        </div>
        <p class="line">
          <button type="button" onClick={() => dialog.value = undefined}>Cancel</button>
          <button type="submit" class="main" disabled={chosen.length < Math.min(1, members.length)}>
            {left.size === 0 ? "Offer to all" : `Offer to ${count(chosen.length, "host")}`}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
