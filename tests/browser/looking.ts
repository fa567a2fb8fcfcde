/** What tests of the page have in common: they look at it, and hear whatever it complains about. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { type Page, PATIENCE_MS } from "../harness/processes/chromium.ts";
import { importPackage } from "../harness/processes/require_tool.ts";

/** The folder where pictures are kept for the eye to look at; undefined where none are. */
const PICTURES = Deno.env.get("PEER_SCREENSHOTS");
const { default: axe } = await importPackage("axe-core", () => import("axe-core"));

/** Lets a page wait for long, and collects all its complaints but those that `mayComplain` matches. */
export function complaintsOf(page: Page, mayComplain: RegExp): string[] {
  page.setDefaultTimeout(PATIENCE_MS);
  page.setDefaultNavigationTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const complain = (text: string) => mayComplain.test(text) || complaints.push(text);
  page.on("pageerror", (error) => complain(error.message));
  page.on("console", (message) => message.type() === "error" && complain(message.text()));
  page.on("dialog", (dialog) => complain(`a dialog: ${dialog.message()}`));
  return complaints;
}

/** The text of the first element that matches. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.textContent(selector))!.trim();
}

/** Waits until no dialog is open. */
export async function dialogClosed(page: Page): Promise<void> {
  await page.waitForSelector("dialog", { state: "detached" });
}

/** Drops a file on a page. */
export function dropFile(
  page: Page,
  name: string,
  content: string | Uint8Array = "d4:infodee",
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return page.evaluate(([name, base64]) => {
    const dataTransfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, [name, bytes.toBase64()]);
}

/** Drops a text on a page, as a link is. */
export function dropText(page: Page, text: string): Promise<void> {
  return page.evaluate((text) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData("text/plain", text);
    document.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, text);
}

/** Pastes a text into a page. */
export function pasteText(page: Page, text: string): Promise<void> {
  return page.evaluate((text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, text);
}

/** Keeps a picture of what is in the window, where pictures are wanted. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await page.screenshot({ path: `${PICTURES}/${name.replaceAll(" ", "-")}.png`, animations: "disabled" });
}

/** What axe-core finds on a page must not be serious. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
  assert.deepEqual(found, [], where);
}

interface AxeResult {
  readonly violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
}
