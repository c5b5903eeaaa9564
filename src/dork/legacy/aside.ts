import { finishMove, moveAside } from '../../engine/backup/move-aside.ts';
import { givenOrDefault, type Kit } from '../../engine/definition.ts';
import { DatabaseBusyError, DatabaseOpenError, DorkDbError, ImportError } from '../../engine/errors.ts';
import { statAt } from '../../engine/file/file.ts';
import { MEMORY, shellQuoted } from '../../engine/file/path.ts';
import { checkOwner } from '../../engine/hints.ts';
import { howTo } from '../../engine/host.ts';
import { migrationStatusWith } from '../../engine/migrate-db.ts';
import { isSystemError } from '../../engine/realm.ts';
import { OLDER_DORKOS } from './recognise.ts';

/** The type of `moveReleaseAside()`. */
export interface MoveReleaseAside {
  /**
   * Moves the dork.db of a DorkOS release aside that is at the path of ours, with its -wal and its -shm, to
   * `dork-moved-20261122T093000000Z.db` next to it; `importLegacy()` then finds it there. It is never opened for writing
   * and never deleted. Nobody may have it open. A move that was killed is brought to its end first, or undone.
   *
   * @param path Default: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`.
   * @returns The new path; undefined if something else is at the path, or nothing.
   * @throws ImportError if it is not moved, by its code: `IN_USE` names the processes, `MAY_BE_IN_USE`, `RUNNING`,
   * `MOUNT_POINT`, `SYMBOLIC_LINK`, `NO_LINKS`, `LOST_SET`, or the system's own.
   * @throws InvalidInputError for a path that cannot be one.
   * @example
   * ```ts
   * moveReleaseAside();
   * using db = createDb();
   * importLegacy(db);
   * ```
   */
  (path?: string): string | undefined;
}

/** Returns `moveReleaseAside()` for a driver and a definition. */
export function moveReleaseAsideWith(kit: Kit): MoveReleaseAside {
  return (path) => {
    const filename = givenOrDefault(kit.definition, path, 'path');
    if (filename === MEMORY) return undefined;
    kit.adapter.load();
    try {
      const finished = finishMove(kit.adapter, filename);
      if (finished !== undefined) return finished;
      const finish = howTo(kit.definition, `import --db ${shellQuoted(filename)}`, 'moveReleaseAside(path)');
      return isReleaseAt(kit, filename) ? moveAside(kit.adapter, filename, finish) : undefined;
    } catch (error) {
      throw asImportError(error, filename);
    }
  };
}

/** True for the dork.db of a release. It is only read. */
function isReleaseAt(kit: Kit, filename: string): boolean {
  const stat = statAt(filename);
  if (!stat?.isFile() || stat.size === 0) return false;
  try {
    migrationStatusWith(kit)(filename);
    return false;
  } catch (error) {
    // Any other file is refused when it is opened.
    if (error instanceof DorkDbError && !(error instanceof DatabaseBusyError))
      return error instanceof DatabaseOpenError && error.code === OLDER_DORKOS;
    throw error;
  }
}

function asImportError(error: unknown, filename: string): unknown {
  if (error instanceof DorkDbError) {
    const { code, message, hint, retryable } = error;
    return new ImportError(code, `${message} Nothing was imported.`, { hint, retryable, cause: error });
  }
  if (!isSystemError(error)) return error;
  return new ImportError(error.code, `${filename} could not be moved aside. ${error.message}. Nothing was imported.`, {
    hint: checkOwner(`${filename} and its folder, and the disk`, 'call again'),
    cause: error,
  });
}
