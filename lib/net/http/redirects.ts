import type { Hop } from "./request_rules.ts";

const REDIRECTS = [301, 302, 303, 307, 308];

/** How `followRedirects` asks, and where it may be sent to. */
interface RedirectRules<At extends Hop> {
  readonly maxRedirects: number;
  /** Makes one request that follows no redirect. */
  ask(hop: At): Promise<Response>;
  /** Finds the server of a redirect's target. Rejects where the redirect must not be followed. */
  hopTo(url: URL, from: At): Promise<At>;
  /** The error for a redirect that cannot be followed. */
  refusal(message: string): Error;
}

/**
 * Makes a request, follows redirects to `http:` and `https:` URLs, and returns the reply at their end.
 *
 * Errors: those of `ask` and `hopTo`; `refusal` for too many redirects or another target.
 */
export async function followRedirects<At extends Hop>(
  first: At,
  { maxRedirects, ask, hopTo, refusal }: RedirectRules<At>,
): Promise<Response> {
  let hop = first;
  for (let redirects = 0;; redirects++) {
    const response = await ask(hop);
    if (!REDIRECTS.includes(response.status)) return response;
    await response.body?.cancel();
    if (redirects >= maxRedirects) throw refusal(`Expected at most ${maxRedirects} redirects`);
    const location = response.headers.get("location");
    const url = location === null ? null : URL.parse(location, hop.url);
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      throw refusal("Expected a redirect to an HTTP address");
    }
    hop = await hopTo(url, hop);
  }
}

/** A URL with `query` behind the query that it has; an empty one adds nothing. */
export function withQuery(url: URL, query: string): URL {
  const asked = new URL(url);
  asked.search = [url.search.slice(1), query].filter((part) => part !== "").join("&");
  return asked;
}
