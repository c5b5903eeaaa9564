/** The program that owns a database: its name and its command line. */
export interface Host {
  /** Short name in lower case, e.g. `notes`. */
  readonly name: string;
  /** The command line, e.g. `notes-db`. */
  readonly command?: string;
}

/**
 * Returns the command for an action, or the function call if the host has no command line.
 *
 * @example howTo(host, `backup --db ${path}`, 'backup(db)')
 */
export function howTo(host: Host | undefined, words: string, call: string): string {
  return host?.command === undefined ? call : `${host.command} ${words}`;
}

/**
 * Returns the host of a connection.
 *
 * @throws TypeError if the connection was opened without a host. A default would change the names of tables and
 * folders.
 */
export function hostOf({ filename, host }: { readonly filename: string; readonly host: Host | undefined }): Host {
  if (!host) throw new TypeError(`${filename} was opened for no host.`);
  return host;
}
