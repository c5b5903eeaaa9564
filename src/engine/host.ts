/** Whose database it is: how its own things are called, and how its people do something. */
export interface Host {
  /** Short name in lower case, e.g. `notes`. */
  readonly name: string;
  /** The command line, e.g. `notes-db`. */
  readonly command?: string;
}

/**
 * Returns what to type for something: words of the host's command line, or the call if it has none.
 *
 * @example howTo(host, `backup --db ${path}`, 'backup(db)')
 */
export function howTo(host: Host | undefined, words: string, call: string): string {
  return host?.command === undefined ? call : `${host.command} ${words}`;
}

/**
 * Returns the host of a connection.
 *
 * @throws TypeError for a connection that was opened for none: a default would give tables and folders another name.
 */
export function hostOf({ filename, host }: { readonly filename: string; readonly host: Host | undefined }): Host {
  if (!host) throw new TypeError(`${filename} was opened for no host.`);
  return host;
}
