/**
 * The way to the program: follows its events, asks for what the user looks at, and sends orders.
 *
 * The page's address carries a token behind `#`, which is sent as a header and never as a cookie, so no other page can
 * make the browser use it.
 */
import { applyPatch, type JsonObject } from "../api/merge_patch.ts";
import { readEvents } from "../api/event_reader.ts";
import type { State } from "../api/shapes.ts";
import type { LogEntry } from "./store.ts";
import { complain, link, noteLog, noteRates, state, tell } from "./store.ts";

const API = "/api/v1/";
const STORED_AS = "peer-authorization";
/** Pauses between two tries to reach the program again, in ms; the last one repeats. */
const RETRY_MS = [500, 1_000, 2_000, 4_000];
/** The program sends something each second, so it is out of reach after so many ms of silence. */
const SILENCE_MS = 15_000;

/** A refusal by the program, with its own sentence. */
class Refusal extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

let authorization = sessionStorage.getItem(STORED_AS) ?? "";
let unlock = () => {};

/** Takes the token out of the page's address, where the user could show it to others by accident. */
export function takeToken(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  keep(`Bearer ${token}`);
  history.replaceState(null, "", location.pathname + location.search);
}

/** Tries again with a password. */
export function enterPassword(password: string): void {
  const utf8 = String.fromCharCode(...new TextEncoder().encode(`peer:${password}`));
  keep(`Basic ${btoa(utf8)}`);
  link.value = { status: "connecting" };
  unlock();
}

function keep(value: string): void {
  authorization = value;
  sessionStorage.setItem(STORED_AS, value);
}

async function request(
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const headers = { ...init.headers, ...(authorization && { Authorization: authorization }) };
  const response = await fetch(API + path, { ...init, headers, cache: "no-store", credentials: "omit" });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refusal(
    response.status,
    problem.detail ?? problem.title ?? `The program answered ${response.status}`,
  );
}

/** Asks for a part of the state. Errors: `Refusal`; `TypeError` when the program cannot be reached. */
export async function get<Answer>(path: string): Promise<Answer> {
  return await (await request(path)).json();
}

/** Gives an order. Errors: as `get`. */
export async function post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  const isBytes = body instanceof Blob;
  const type = isBytes ? "application/x-bittorrent" : "application/json";
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": type },
    body: isBytes ? body : JSON.stringify(body),
  });
  return await response.json().catch(() => ({}));
}

/** Gives an order and tells the user what came of it; resolves with whether it was taken. */
export async function order(done: string, path: string, body?: unknown): Promise<boolean> {
  try {
    await post(path, body);
    tell(done);
    return true;
  } catch (error) {
    complain(reasonOf(error));
    return false;
  }
}

/** Why the program did not do what it was asked for, in its own sentence where it gave one. */
export function reasonOf(error: unknown): string {
  return error instanceof Refusal ? error.message : "The program cannot be reached; nothing was changed";
}

/** Follows the program for as long as the page is open. */
export async function follow(): Promise<never> {
  for (let failures = 0;;) {
    try {
      await followOnce(() => failures = 0);
      throw new TypeError("the stream has ended");
    } catch (error) {
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) {
        link.value = { status: "locked", message: refusalOf(error) };
        await new Promise<void>((resolve) => unlock = resolve);
        continue;
      }
      if (link.value.status !== "lost") link.value = { status: "lost", since: Date.now() };
      await new Promise((resolve) =>
        setTimeout(resolve, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)])
      );
    }
  }
}

/** Why the program lets nobody in with what the page has; nothing where it has nothing yet. */
function refusalOf({ status, message }: Refusal): string {
  if (authorization === "") return "";
  return status === 401 && authorization.startsWith("Bearer")
    ? "The program was started anew: the address of this page opens nothing any more"
    : message;
}

async function followOnce(isUp: () => void): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await request("events", { signal: silence.signal });
    for await (const { event, data } of readEvents(textOf(response.body!))) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const message = JSON.parse(data);
      if (event === "state") state.value = message as State;
      else if (event === "delta") state.value = changedState(message.patch);
      noteLog((message.log ?? []) as LogEntry[]);
      noteRates();
      isUp();
      if (link.value.status !== "up") link.value = { status: "up" };
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** The present state with a change; what the change does not touch stays the same object. */
function changedState(patch: JsonObject): State {
  return applyPatch(state.value as unknown as JsonObject, patch) as unknown as State;
}

/** The text of a stream, part by part. Browsers differ in whether a stream can be looped over. */
async function* textOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}
