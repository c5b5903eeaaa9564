import { desc, inArray, sql } from 'drizzle-orm/sql';
import * as v from 'valibot';
import type { StoreDb } from '../../engine/connection/db.ts';
import { checked, filledText, letThrough, prose, proseArgument } from '../../engine/input.ts';
import { now } from '../../engine/time.ts';
import { newId } from '../../stores/ids.ts';
import { statementsOf } from '../../stores/statements.ts';
import { canonicalPath } from './canonical-path.ts';
import { agentDenials } from './schema.ts';

/** A path whose agents may not register. */
export interface DenialRecord {
  /** Canonical: without symbolic links. */
  path: string;
  /** The strategy that found the agent; `''` if an older denial has none. */
  strategy: string;
  /** Absent if none was given. */
  reason?: string;
  /** `unknown` if nobody was named: in an older denial, or by empty text. */
  deniedBy: string;
  /** ISO 8601 in UTC. */
  deniedAt: string;
}

/**
 * The texts that a path may be stored as. Denials are stored canonical; those of earlier versions as they were given if
 * the path did not exist, also with a slash at its end.
 */
type Place = readonly [canonical: string, given: string, withSlash: string];

const statement = statementsOf('mesh');
const arg = sql.placeholder;

const pathText = letThrough(
  v.pipe(
    filledText,
    v.check((path) => !path.includes('\0'), 'has a NUL byte, which no path has'),
  ),
  (value) => typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0'),
);

const optionalText = v.nullish(prose);

/**
 * The paths whose agents may not register. A path is stored in its canonical form (`realpath`), so that a symbolic link
 * cannot get round a denial; of one that does not exist yet, the longest part that does is canonical.
 *
 * @throws InvalidInputError from every method for an argument that cannot be; nothing is written.
 * @throws DatabaseBusyError if another connection kept the lock, ClosedError after `closeDb()`.
 */
export class DenialList {
  readonly #db: StoreDb;
  readonly #statements: ReturnType<typeof denialStatements>;

  constructor(db: StoreDb) {
    this.#db = db;
    this.#statements = denialStatements(db);
  }

  /**
   * Denies a path. Denying it again replaces the denial, which is then the newest.
   *
   * @throws InvalidInputError for an empty path, or one with a NUL byte.
   */
  deny(path: string, strategy: string, reason: string | null | undefined, denier: string): void {
    const place = placeOf(path);
    const [canonical] = place;
    const said = [
      proseArgument(strategy, 'strategy'),
      checked(optionalText, reason, 'reason') ?? null,
      proseArgument(denier, 'denier'),
    ];
    this.#db.$client.runTransaction(() => {
      // A row that is inserted again becomes the newest of its millisecond.
      this.#statements.delete.run(...place);
      this.#statements.insert.run(newId(), canonical, ...said, now());
    });
  }

  /** Returns true if a path, or the target of its symbolic links, is denied. */
  isDenied(path: string): boolean {
    return this.#statements.find.get(...placeOf(path)) !== undefined;
  }

  /** Every denial, newest first. */
  list(): DenialRecord[] {
    return this.#statements.all
      .all()
      .map(({ reason, ...denial }) => (reason === null ? denial : { ...denial, reason }));
  }

  /** Takes a denial back. */
  clear(path: string): boolean {
    return this.#statements.delete.run(...placeOf(path)).changes > 0;
  }

  /** Does nothing: the database is closed by whoever opened it. */
  close(): void {}
}

function placeOf(path: string): Place {
  const given = checked(pathText, path, 'path');
  const canonical = canonicalPath(given);
  return [canonical, given, `${canonical}/`];
}

function denialStatements(db: StoreDb) {
  const isPlace = inArray(agentDenials.path, [arg('canonical'), arg('given'), arg('withSlash')]);
  return {
    find: statement(
      db,
      () =>
        db
          .select({ found: sql`1`.as('found') })
          .from(agentDenials)
          .where(isPlace),
      'canonical',
      'given',
      'withSlash',
    ),
    all: statement<Omit<DenialRecord, 'reason'> & { reason: string | null }>(db, () =>
      db
        .select({
          path: sql`${agentDenials.path}`.as('path'),
          strategy: sql`coalesce(${agentDenials.strategy}, '')`.as('strategy'),
          reason: sql`${agentDenials.reason}`.as('reason'),
          deniedBy: sql`coalesce(nullif(${agentDenials.denier}, ''), 'unknown')`.as('deniedBy'),
          deniedAt: sql`${agentDenials.createdAt}`.as('deniedAt'),
        })
        .from(agentDenials)
        .orderBy(desc(agentDenials.createdAt), desc(sql`rowid`)),
    ),
    insert: statement(
      db,
      () =>
        db.insert(agentDenials).values({
          id: arg('id'),
          path: arg('path'),
          strategy: arg('strategy'),
          reason: arg('reason'),
          denier: arg('denier'),
          createdAt: arg('createdAt'),
        }),
      'id',
      'path',
      'strategy',
      'reason',
      'denier',
      'createdAt',
    ),
    delete: statement(db, () => db.delete(agentDenials).where(isPlace), 'canonical', 'given', 'withSlash'),
  };
}
