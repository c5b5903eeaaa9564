import { UnsupportedRuntimeError } from '../errors.ts';
import type { ChooseDriver } from './adapter.ts';
import { bunSqlite } from './bun-sqlite.ts';

/**
 * The driver on Bun is always Bun's own.
 *
 * @throws UnsupportedRuntimeError if another one is asked for.
 */
export const onBun: ChooseDriver = (name) => {
  if (name === undefined || name === bunSqlite.driver) return bunSqlite;
  throw new UnsupportedRuntimeError(
    'DRIVER_UNKNOWN',
    `options.driver is ${JSON.stringify(name)}, which is not a driver on Bun. Nothing was opened.`,
    { hint: 'Leave it out: on Bun it is always bun:sqlite.' },
  );
};
