import type { DriverName } from '../driver/adapter.ts';
import type { LockHolder } from '../file/file-locks.ts';
import type { WalState } from '../file/wal.ts';
import type { Drift } from '../migrations/schema-state.ts';
import type { Instant } from '../time.ts';

/**
 * `ok`: as it should be. `info`: worth knowing, no action needed. `warning`: works today, but may cost data, space or
 * time later. `error`: something is broken, or the next write may fail.
 */
export type HealthSeverity = 'ok' | 'info' | 'warning' | 'error';

/** The name of a check. */
export type HealthCheckName =
  | 'sqlite'
  | 'pragmas'
  | 'files'
  | 'file-system'
  | 'disk'
  | 'size'
  | 'wal'
  | 'processes'
  | 'writer'
  | 'migrations'
  | 'schema'
  | 'integrity'
  | 'foreign-keys'
  | 'backups'
  // The checks of the definition.
  | (string & {});

/** One finding of a check. */
export interface HealthFinding {
  readonly check: HealthCheckName;
  readonly severity: HealthSeverity;
  /** The finding in one sentence. It never contains a row's content. */
  readonly fact: string;
  /** What to do about it. Every warning and error has one. */
  readonly hint?: string;
}

/**
 * How much is read. `usual` is cheap enough for a server to run every minute, and takes as long on a large file as on a
 * small one. `quick` reads every page once (`PRAGMA quick_check`, sizes by table). `full` also compares each index with
 * its table (`PRAGMA integrity_check`) and follows each foreign key.
 */
export type HealthDepth = 'usual' | 'quick' | 'full';

/** The SQLite library in use. */
export interface SqliteFigures {
  readonly version: string;
  /** `sqlite_source_id()`: the date and the hash of this version. */
  readonly sourceId: string;
  readonly driver: DriverName;
  /** The origin of the SQLite library. */
  readonly library: 'built into Bun' | 'built into better-sqlite3' | 'built into Node' | 'part of macOS';
  /** E.g. `Bun 1.4.5`, `Node 24.21.0`. */
  readonly runtime: string;
  /** True if two writing processes can corrupt a file. https://sqlite.org/wal.html#the_wal_reset_bug */
  readonly hasWalResetBug: boolean;
}

/** A pragma of the checked connection. */
export interface PragmaFigure {
  readonly name: string;
  readonly value: number | string;
  /** The expected value; absent if any value is fine. */
  readonly expected?: number | string;
}

/** A file or folder with its owner and permissions. */
export interface FileFigure {
  readonly path: string;
  /** Permission bits in octal, e.g. `600`. */
  readonly mode: string;
  /** User id of the owner. */
  readonly uid: number;
  readonly bytes: number;
}

/** The file system of the database. */
export interface FileSystemFigures {
  /** E.g. `ext4` or `nfs`; the number in hexadecimal if it is unknown; absent if the system does not report it. */
  readonly type?: string;
  /** Bytes that this user can still write. */
  readonly freeBytes: number;
}

/** The size of a table or an index. */
export interface ObjectSize {
  readonly name: string;
  readonly type: 'table' | 'index';
  /** The table itself, or the table of the index. */
  readonly table: string;
  readonly bytes: number;
}

/** The size of the file and its parts. */
export interface SizeFigures {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Bytes. */
  readonly pageSize: number;
  readonly pages: number;
  /** Unused pages. New rows use them first; `compact()` returns them to the disk. */
  readonly freePages: number;
  /** Largest first; with depth `quick` or `full`. */
  readonly objects?: readonly ObjectSize[];
  /** `dbstat` counts pages; `estimate` is used if the SQLite library has no dbstat. https://sqlite.org/dbstat.html */
  readonly objectsFrom?: 'dbstat' | 'estimate';
}

/** The size of the -wal, and the part that is not in the file yet. */
export interface WalFigures extends Partial<WalState> {
  /** Bytes of the -wal file. The file does not shrink when SQLite starts it over. */
  readonly bytes: number;
  /** Bytes of the frames that are not in the file yet; absent if SQLite does not report it. */
  readonly pendingBytes?: number;
  /** When a checkpoint last wrote to the file; every pending frame is newer. */
  readonly lastCheckpointAt?: Instant;
}

/** The applied and pending migrations of the file. */
export interface MigrationFigures {
  /** `current`, `pending`, or the kind of the MigrationError that opening the file would throw. */
  readonly state: string;
  /** Tags, oldest first. */
  readonly applied: readonly string[];
  /** Tags that opening the file for writing would apply, oldest first. */
  readonly pending: readonly string[];
}

/** The newest backup whose header, tables and ledger are correct. */
export interface BackupFigures {
  readonly path: string;
  readonly at: Instant;
  /** Its age in milliseconds. */
  readonly ageMs: number;
}

/** A row that refers to a missing row. https://sqlite.org/pragma.html#pragma_foreign_key_check */
export interface DanglingRow {
  readonly table: string;
  /** Null in a table without rowids. */
  readonly rowid: number | null;
  readonly parent: string;
}

/** The results of the checks as figures. A figure is absent if its check did not run or failed. */
export interface HealthFigures {
  readonly sqlite: SqliteFigures;
  readonly pragmas: readonly PragmaFigure[];
  readonly files: readonly FileFigure[];
  readonly fileSystem: FileSystemFigures;
  readonly size: SizeFigures;
  readonly wal: WalFigures;
  /** The processes that have the file open, including this one; absent if the system does not report them. */
  readonly processes: readonly LockHolder[];
  readonly migrations: MigrationFigures;
  readonly drift: readonly Drift[];
  /** The lines reported by the check of depth `quick` or `full`, at most 100; empty if there is no damage. */
  readonly damage: readonly string[];
  /** With depth `full`, at most 100. */
  readonly danglingRows: readonly DanglingRow[];
  /** The newest backup whose header, tables and ledger are correct; null if there is none. */
  readonly newestBackup: BackupFigures | null;
}

/** The state of a database. */
export interface HealthReport extends Partial<HealthFigures> {
  /** The absolute path of the file, or `:memory:`. */
  readonly filename: string;
  /** When the checks ran. */
  readonly at: Instant;
  readonly depth: HealthDepth;
  readonly durationMs: number;
  /** The highest severity of the findings. */
  readonly severity: HealthSeverity;
  readonly findings: readonly HealthFinding[];
}

const ORDER: readonly HealthSeverity[] = ['ok', 'info', 'warning', 'error'];

/** Returns the highest of several severities; `ok` if there are none. */
export function worst(severities: readonly HealthSeverity[]): HealthSeverity {
  return ORDER[Math.max(0, ...severities.map((severity) => ORDER.indexOf(severity)))] ?? 'ok';
}
