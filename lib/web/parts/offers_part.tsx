import type { OfferView } from "../../api/shapes.ts";
import { formatBytes } from "../../ui/number_format.ts";
import { offeredText } from "../../ui/progress/offer_text.ts";
import { order } from "../connection.ts";
import { refreshFleet } from "../refresh.ts";
import { fleet } from "../store.ts";

/** Offers that are shown at once, the newest first. */
const MAX_SHOWN = 5;

/** What waits for this host's user, and how all hosts take what this one offers; nothing where there is neither. */
export function OffersPart() {
  const { offers = [], name = "" } = fleet.value ?? {};
  const shown = offers.filter(({ state }) => ["asked", "full", "busy", "offered"].includes(state))
    .slice(0, MAX_SHOWN);
  if (shown.length === 0) return null;
  return (
    <section class="card offers" aria-label="Offers of the fleet">
      <h3>
        Fleet <bdi>{name}</bdi>
      </h3>
      <ul>{shown.map((offer) => <Offer key={`${offer.infoHash} ${offer.lead}`} offer={offer} />)}</ul>
    </section>
  );
}

function Offer({ offer }: { offer: OfferView }) {
  const { infoHash, name, length, lead, state, needs = 0, has = 0, hosts } = offer;
  const away = hosts?.filter(({ state }) => state === "away").map(({ name }) => name) ?? [];
  const answer = async (how: "accept" | "decline" | "cancel", done: string) => {
    await order(done, `fleet/${how}`, { infoHash });
    await refreshFleet();
  };
  return (
    <li>
      <b>
        <bdi>{name}</bdi>
      </b>{" "}
      <small>{formatBytes(length)}</small> {hosts !== undefined
        ? (
          <>
            <span>{offeredText(hosts)}</span> {away.length > 0 && (
              <button
                type="button"
                onClick={() => order("Sent", "fleet/wake", { hosts: away })}
              >
                Wake those that are away
              </button>
            )} <button type="button" onClick={() => answer("cancel", "Taken back")}>Take back</button>
          </>
        )
        : (
          <>
            <span>
              offered by <bdi>{lead}</bdi>
              {state === "full" && `: needs ${formatBytes(needs)}, has ${formatBytes(has)}`}
              {state === "busy" && ": waits for others"}
            </span>{" "}
            {state === "asked" && (
              <button
                type="button"
                class="main"
                onClick={() => answer("accept", "Taken")}
              >
                Take it
              </button>
            )} <button type="button" onClick={() => answer("decline", "Declined")}>Decline</button>
          </>
        )}
    </li>
  );
}
