/** Removes secrets from URLs: users, passwords, and the keys that trackers put into paths and queries. */

const URL_IN_TEXT = /\b([a-z][a-z\d+.-]{0,15}:\/\/)(?:[^\s/?#]*@)?([^\s/?#"'()<>]+)([/?#][^\s"'()<>]*)?/gi;

/** A text for logs: every URL in it keeps only its scheme, host and port, as in `http://h:1/…`. */
export function withoutSecrets(text: string): string {
  return text.replace(
    URL_IN_TEXT,
    (_, scheme, host, rest = "") => `${scheme}${host}${rest.length > 1 ? "/…" : rest}`,
  );
}

/** A URL that may be shown to other people: without user, password, query and fragment. */
export function publicUrl(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)(?:[^/?#]*@)?([^?#]*).*$/is, "$1$2");
}
