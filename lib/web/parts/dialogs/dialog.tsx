import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { dialog } from "../../store.ts";
import { Notice } from "../notice.tsx";

/** A dialog with its title; Escape and a button close it. */
export function Dialog(
  { title, children, class: kind = "" }: { title: string; children: ComponentChildren; class?: string },
) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => box.current!.showModal(), []);
  return (
    <dialog
      ref={box}
      class={kind}
      aria-labelledby="dialog-title"
      onClose={() => dialog.value = undefined}
    >
      <form method="dialog" class="line">
        <h2 id="dialog-title">{title}</h2>
        <button type="submit" aria-label="Close">✕</button>
      </form>
      {children}
      <Notice />
    </dialog>
  );
}
