import { percent } from "../numbers.ts";

/** A bar for a part (0 to 1) of something that `label` names. */
export function Bar({ part, label, kind = "" }: { part: number; label: string; kind?: string }) {
  const width = `${Math.max(0, Math.min(1, part)) * 100}%`;
  return (
    <span
      class={`bar ${kind}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(part * 100)}
      aria-valuetext={percent(part)}
    >
      <span style={{ width }} />
    </span>
  );
}
