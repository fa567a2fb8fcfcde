import { type Side, withstand } from "./arena.ts";
import { ATTACKS } from "./attacks.ts";
import { needs } from "../harness/processes/require_tool.ts";

const SIDES: readonly Side[] = ["seeder", "download"];

for (const attack of ATTACKS) {
  for (const side of attack.against === undefined ? SIDES : [attack.against]) {
    for (const isEncrypted of [false, true]) {
      const how = isEncrypted ? "encrypted" : "plain";
      needs("addresses to attack from")(
        `peer (${side}, ${how}) withstands somebody who ${attack.name}`,
        async () => {
          await withstand(attack, side, isEncrypted);
        },
      );
    }
  }
}
