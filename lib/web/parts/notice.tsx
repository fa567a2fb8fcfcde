import { useEffect } from "preact/hooks";
import { notice } from "../store.ts";

/** How long the answer to an order stays, in ms; a refusal stays longer. */
const NOTICE_MS = 4_000;
const REFUSAL_MS = 12_000;

/** What the last order led to. A dialog has one of its own, as it covers everything else. */
export function Notice() {
  const value = notice.value;
  useEffect(() => {
    if (value === undefined) return;
    const timer = setTimeout(() => notice.value = undefined, value.isError ? REFUSAL_MS : NOTICE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return (
    <div class={`notice ${value?.isError ? "bad" : ""}`} role="status" aria-live="polite">
      {value !== undefined && (
        <>
          <span>{value.text}</span>
          <button type="button" aria-label="Close the message" onClick={() => notice.value = undefined}>
            ✕
          </button>
        </>
      )}
    </div>
  );
}
