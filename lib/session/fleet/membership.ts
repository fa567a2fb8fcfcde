/** Becoming a member of a fleet, and whom a member obeys: what is kept before and after. */
import {
  type Credentials,
  cutName,
  fingerprint,
  keyText,
  readCredentialsText,
  readKeyText,
} from "../../protocol/fleet_key.ts";
import { equalBytes, fromUtf8 } from "../../protocol/bytes.ts";
import { splitWords } from "../../protocol/code_words.ts";
import { KEY_LENGTH } from "../../protocol/cryptography.ts";
import { printable } from "../../protocol/printable.ts";
import { FLEET } from "../../settings.ts";
import { freshFleet, type KeptFleet, type KeptLead } from "../kept/kept_fleet.ts";

/** A new fleet whose first lead is this host. Errors: `RangeError` for a name that is none. */
export function newFleet(name: string, lead: KeptLead): KeptFleet {
  const isName = name.trim() !== "" && printable(name) === name && fromUtf8(cutName(name)) === name;
  if (!isName) throw new RangeError("Expected a name of 1 to 64 bytes for the fleet, got another");
  const fleetKey = crypto.getRandomValues(new Uint8Array(KEY_LENGTH));
  return freshFleet(name, fleetKey, lead);
}

/** The fleet after a host was given credentials. Errors: `RangeError` for a member of another fleet. */
export function withCredentials(
  before: KeptFleet | undefined,
  { name, fleetKey, lead }: Credentials,
): KeptFleet {
  if (before === undefined) return freshFleet(name, fleetKey, lead);
  if (equalBytes(before.fleetKey, fleetKey)) return withLead(before, lead);
  throw new RangeError(`Expected a host without a fleet, got a member of ${before.name}; leave that first`);
}

/**
 * The fleet after its user has trusted a key by hand: the key of another lead, or the text that makes a host a member.
 * Errors: `RangeError` for another text.
 */
export function withTrust(before: KeptFleet | undefined, text: string): KeptFleet {
  const credentials = readCredentialsText(text);
  if (credentials !== undefined) return withCredentials(before, credentials);
  const key = readKeyText(text);
  if (key === undefined) {
    throw new RangeError("Expected a key as `peer fleet key` prints it on the lead, got something else");
  }
  if (before !== undefined) return withLead(before, { key, name: "" });
  throw new RangeError(
    "Expected a member of a fleet, got a host without one; use its key that begins with peer-fleet:",
  );
}

function withLead(fleet: KeptFleet, lead: KeptLead): KeptFleet {
  const others = fleet.leads.filter(({ key }) => !equalBytes(key, lead.key));
  if (others.length >= FLEET.leads) {
    throw new RangeError(`Expected at most ${FLEET.leads} leads, got one more`);
  }
  return { ...fleet, leads: [...others, lead] };
}

/** The fleet without the lead that a text means: its key, its fingerprint, or its name. Errors: `RangeError`. */
export function withoutLead(fleet: KeptFleet, text: string): KeptFleet {
  const meant = theOneMeant(fleet.leads, text, "lead");
  return { ...fleet, leads: fleet.leads.filter((lead) => lead !== meant) };
}

/** The host that a text means: its key, its fingerprint, or its name; `kind` names it in errors. Errors: `RangeError`. */
export function theOneMeant<Host extends KeptLead>(
  hosts: readonly Host[],
  text: string,
  kind: "lead" | "member",
): Host {
  const words = splitWords(text).join(" ");
  const meant = hosts.filter(({ key, name }) =>
    [keyText(key), name].includes(text) || fingerprint(key) === words
  );
  if (meant.length === 1) return meant[0];
  const got = meant.length === 0 ? "none" : "that of several";
  throw new RangeError(`Expected the name, the key or the fingerprint of one ${kind}, got ${got}`);
}
