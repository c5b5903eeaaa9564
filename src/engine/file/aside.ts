import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stampOf } from '../time.ts';
import { freePath } from './free-path.ts';
import { hasCode, isThere } from './fs.ts';
import { SIDECARS } from './path.ts';

/** Matches e.g. `notes-moved-20261122T093000000Z.db`. The names for one database sort as text in the order of time. */
const NAME = /^(?<stem>.+)-moved-(?<stamp>\d{8}T\d{9}Z)\.db$/;

function stemOf(filename: string): string {
  return basename(filename).replace(/(?<=.)\.db$/, '');
}

/** Returns an unused path for a database that is moved aside. */
export function freeAside(filename: string): string {
  return freePath(
    (at) => join(dirname(filename), `${stemOf(filename)}-moved-${stampOf(at)}.db`),
    (path) => !['', ...SIDECARS].some((suffix) => isThere(path + suffix)),
  );
}

/** Returns when a file was moved aside, e.g. `20261122T093000000Z`; undefined if its name does not have it. */
export function asideStamp(path: string): string | undefined {
  return NAME.exec(basename(path))?.groups?.stamp;
}

/** Returns the databases that were moved aside from a path, newest first. */
export function asidesOf(filename: string): string[] {
  const folder = dirname(filename);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
  return names
    .filter((name) => NAME.exec(name)?.groups?.stem === stemOf(filename))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}
