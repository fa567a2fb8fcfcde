import type { ComponentChildren, VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

/** Rows drawn above and below those that can be seen, so that a quick scroll shows no gap. */
const SPARE_ROWS = 8;

interface Props<Row> {
  readonly rows: readonly Row[];
  /** In CSS pixels. */
  readonly rowHeight: number;
  /** Names the list for screen readers. */
  readonly label: string;
  /** What a row is known by while its place changes. */
  readonly keyOf: (row: Row) => string;
  readonly draw: (row: Row) => ComponentChildren;
  /** The row that is chosen; the arrow keys move the choice. */
  readonly chosen?: string | undefined;
  readonly choose?: (key: string) => void;
  readonly class?: string;
}

/** A list of which only the rows in sight are drawn, so that 1,000 cost no more than 30. */
export function VirtualRows<Row>(
  { rows, rowHeight, label, keyOf, draw, chosen, choose, ...rest }: Props<Row>,
) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const look = () => {
    if (box.current === null) return;
    const { scrollTop: top, clientHeight: height } = box.current;
    setView((before) => before.top === top && before.height === height ? before : { top, height });
  };
  useLayoutEffect(look);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const drawn = useDrawn(rows, rowHeight);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - SPARE_ROWS);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + SPARE_ROWS);
  return (
    <div
      class={`rows ${rest.class ?? ""}`}
      ref={box}
      onScroll={look}
      onKeyDown={(event) =>
        choose && moveChoice(event, box.current!, { rows, rowHeight, keyOf, chosen, choose })}
      tabIndex={0}
      role="list"
      aria-label={label}
    >
      <div style={{ height: `${rows.length * rowHeight}px` }} role="presentation">
        {rows.slice(first, last).map((row, i) =>
          drawn(keyOf(row), first + i, keyOf(row) === chosen, (key, place, isChosen) => (
            <div
              key={key}
              class={isChosen ? "row chosen" : "row"}
              style={{ height: `${rowHeight}px`, top: `${place * rowHeight}px` }}
              role="listitem"
              aria-setsize={rows.length}
              aria-posinset={place + 1}
              aria-current={isChosen ? "true" : undefined}
              onClick={() => choose?.(key)}
            >
              {draw(row)}
            </div>
          ))
        )}
      </div>
    </div>
  );
}

type DrawRow = (key: string, place: number, isChosen: boolean) => VNode;

/**
 * Draws a row once for as long as the list, its place and the choice stay the same: a list that is scrolled draws only
 * the rows that come in sight.
 */
function useDrawn(rows: readonly unknown[], rowHeight: number) {
  const kept = useMemo(() => new Map<string, VNode>(), [rows, rowHeight]);
  return (key: string, place: number, isChosen: boolean, draw: DrawRow): VNode => {
    const id = `${place} ${isChosen} ${key}`;
    const node = kept.get(id) ?? draw(key, place, isChosen);
    kept.set(id, node);
    return node;
  };
}

type Choice<Row> = Pick<Props<Row>, "rows" | "rowHeight" | "keyOf" | "chosen"> & {
  readonly choose: (key: string) => void;
};

/** Moves the choice by a key, and scrolls so that it stays in sight. */
function moveChoice<Row>(event: KeyboardEvent, box: HTMLElement, list: Choice<Row>): void {
  const { rows, rowHeight, keyOf, chosen, choose } = list;
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: 10,
    PageUp: -10,
    Home: -rows.length,
    End: rows.length,
  };
  const step = steps[event.key];
  if (step === undefined || rows.length === 0) return;
  event.preventDefault();
  const at = rows.findIndex((row) => keyOf(row) === chosen);
  const next = Math.max(0, Math.min(rows.length - 1, at + step));
  choose(keyOf(rows[next]));
  const [top, bottom] = [next * rowHeight, (next + 1) * rowHeight];
  if (top < box.scrollTop) box.scrollTop = top;
  else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}
