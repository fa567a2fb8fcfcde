/** Values of which some are left out or undefined. */
type Some<Values> = { readonly [Name in keyof Values]?: Values[Name] | undefined };

/** Values of one kind as the user said them, by the place in which each was said. A member without a value says nothing. */
interface Layers<Values> {
  /** Options of this run. */
  readonly commandLine?: Some<Values>;
  /** Choices made while a peer ran, which hold after a restart. */
  readonly kept?: Some<Values>;
  /** Settings in `peer.toml`. */
  readonly file?: Some<Values>;
  /** Values where nobody said anything. */
  readonly defaults?: Some<Values>;
}

/**
 * The values in force. The order is the same for every option and choice: command line, kept choice, `peer.toml`,
 * default; the first place that says something wins.
 */
export function inForce<Values, Defaults extends Partial<Values> = Partial<Values>>(
  { commandLine, kept, file, defaults }: Layers<Values> & { readonly defaults?: Defaults },
): Partial<Values> & Defaults {
  const values = [defaults, file, kept, commandLine].map((layer) => definedIn(layer ?? {}));
  return Object.assign({}, ...values);
}

/** The members that have a value. */
function definedIn(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
