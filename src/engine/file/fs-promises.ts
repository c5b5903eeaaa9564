/**
 * Returns the promises of node:fs, loaded at first use. Importing them costs Bun 6 ms at each start, and only copies of
 * the database need them.
 */
export function fsPromises(): typeof import('node:fs/promises') {
  return process.getBuiltinModule('node:fs/promises');
}
