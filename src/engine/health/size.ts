import type { Connection } from '../connection/connection.ts';
import { primaryCode } from '../connection/sqlite-error.ts';
import { DorkDbError } from '../errors.ts';
import { bytesOf } from '../file/wal.ts';
import { formatBytes } from '../format.ts';
import { howTo } from '../host.ts';
import { type Check, findingsOf } from './check.ts';
import { objectSizes } from './object-sizes.ts';
import type { HealthFinding, SizeFigures } from './report.ts';

const say = findingsOf('size');

/** Free space is reported if it is at least this share of the file and at least this many bytes. */
const FREE_SHARE = 0.25;
const FREE_BYTES = 16 * 2 ** 20;

/** Checks the size of the file and its unused space. */
export const checkSize: Check = ({ connection, depth }) => {
  const read = (name: string) => Number(connection.pragma(name, { simple: true }));
  const figures: SizeFigures = {
    bytes: bytesOf(connection.filename),
    pageSize: read('page_size'),
    pages: read('page_count'),
    freePages: read('freelist_count'),
  };
  const findings = [freeFinding(figures, connection)];
  if (depth === 'usual') return { findings, figures: { size: figures } };
  const objects = sizesOf(connection);
  if (!objects) findings.push(say.info('Sizes by table are unknown: the file is damaged.'));
  else if (objects.objectsFrom === 'estimate') {
    findings.push(say.info(`SQLite ${connection.sqliteVersion} lacks dbstat: sizes by table are estimates.`));
  }
  return { findings, figures: { size: { ...figures, ...objects } } };
};

/** Returns undefined if the file is damaged; the check of the content reports that. */
function sizesOf(connection: Connection): ReturnType<typeof objectSizes> | undefined {
  try {
    return objectSizes(connection);
  } catch (error) {
    if (error instanceof DorkDbError && primaryCode(error.code) === 'SQLITE_CORRUPT') return undefined;
    throw error;
  }
}

function freeFinding({ pages, freePages, pageSize }: SizeFigures, { host }: Connection): HealthFinding {
  const free = freePages * pageSize;
  const fact = `${pages.toLocaleString('en-US')} pages of ${pageSize} bytes, ${freePages.toLocaleString('en-US')} of them free`;
  if (free < FREE_BYTES || freePages < pages * FREE_SHARE) return say.ok(`${fact}.`);
  return say.info(
    `${fact}: new rows will use them, but the file does not shrink.`,
    `${howTo(host, 'compact', 'compact(path)')} returns ${formatBytes(free)} to the disk. No process may have the file open meanwhile.`,
  );
}
