import { statSync } from 'node:fs';
import { join } from 'node:path';
import { LEGACY_SOURCES } from './schema.ts';

/** The older DorkOS files in a home, absolute. */
export function findLegacyFiles(home: string): string[] {
  return LEGACY_SOURCES.map((source) => join(home, source)).filter((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
}
