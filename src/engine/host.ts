/** Whose database it is: how its own things are called, and how its people do something. */
export interface Host {
  /** Short name in lower case, e.g. `notes`. */
  readonly name: string;
  /** The command line, e.g. `notes-db`. */
  readonly command?: string;
}

/** The host of a connection that was opened for none. */
export const NO_HOST: Host = { name: 'db' };

/**
 * Returns what to type for something: words of the host's command line, or the call if it has none.
 *
 * @example howTo(host, `backup --db ${path}`, 'backup(db)')
 */
export function howTo({ command }: Host, words: string, call: string): string {
  return command === undefined ? call : `${command} ${words}`;
}
