/** `14:03:07`: the time of day on this machine, for milliseconds since 1970. */
export function clockText(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}
