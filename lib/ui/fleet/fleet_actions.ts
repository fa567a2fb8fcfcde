/** What `peer fleet` can do. */
export const FLEET_ACTIONS = [
  "list",
  "key",
  "create",
  "invite",
  "join",
  "trust",
  "distrust",
  "choose",
  "wake",
  "forget",
  "leave",
  "offers",
  "accept",
  "decline",
  "cancel",
] as const;
export type FleetAction = typeof FLEET_ACTIONS[number];
