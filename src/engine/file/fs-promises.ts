/**
 * The promises of node:fs, loaded when they are first used: an import of them costs Bun 6 ms at each start, and only
 * copies of the database use them.
 */
export function fsPromises(): typeof import('node:fs/promises') {
  return process.getBuiltinModule('node:fs/promises');
}
