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
   * Moves the dork.db of a DorkOS release at our database's path aside, with its -wal and -shm, e.g. to
   * `dork-moved-20261122T093000000Z.db` next to it. `importLegacy()` then finds it there. The file is never opened for
   * writing and never deleted. No process may have it open. An interrupted move is completed or undone first.
   *
   * @param path Default: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`.
   * @returns The new path; undefined if there is no file at the path, or another file.
   * @throws ImportError if the file was not moved, with the code `IN_USE` (the message names the processes),
   * `MAY_BE_IN_USE`, `RUNNING`, `MOUNT_POINT`, `SYMBOLIC_LINK`, `NO_LINKS`, `LOST_SET`, or a code of the system.
   * @throws InvalidInputError for an invalid path.
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

/** Returns true for the dork.db of a release. The file is only read. */
function isReleaseAt(kit: Kit, filename: string): boolean {
  const stat = statAt(filename);
  if (!stat?.isFile() || stat.size === 0) return false;
  try {
    migrationStatusWith(kit)(filename);
    return false;
  } catch (error) {
    // Any other file is left here: opening it reports the error.
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
    hint: checkOwner(`${filename} and its folder, and the disk`, 'try again'),
    cause: error,
  });
}
