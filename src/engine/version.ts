/** The parts of each version that was compared: every opening compares the same few. */
const parsed = new Map<string, readonly number[]>();

function partsOf(version: string): readonly number[] {
  let parts = parsed.get(version);
  if (!parts) {
    parts = version.split('.').map((part) => Number.parseInt(part, 10));
    parsed.set(version, parts);
  }
  return parts;
}

/** Compares dotted version numbers by their first three parts. */
export function isAtLeast(version: string, oldest: string): boolean {
  const have = partsOf(version);
  const want = partsOf(oldest);
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Returns true for SQLite 3.7.0 to 3.51.2 (except 3.44.6 and 3.50.7), whose WAL-reset bug can corrupt a file that two
 * connections write. https://sqlite.org/wal.html#the_wal_reset_bug
 */
export function hasWalResetBug(sqliteVersion: string): boolean {
  if (isAtLeast(sqliteVersion, '3.51.3')) return false;
  if (sqliteVersion === '3.44.6' || sqliteVersion === '3.50.7') return false;
  return isAtLeast(sqliteVersion, '3.7.0');
}
