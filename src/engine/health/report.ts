import type { DriverName } from '../driver/adapter.ts';
import type { LockHolder } from '../file/file-locks.ts';
import type { WalState } from '../file/wal.ts';
import type { Drift } from '../migrations/schema-state.ts';
import type { Instant } from '../time.ts';

/**
 * `ok`: as it should be. `info`: worth knowing, nothing need be done. `warning`: works today, and may cost data, space
 * or time later. `error`: something is broken, or the next write may fail.
 */
export type HealthSeverity = 'ok' | 'info' | 'warning' | 'error';

/** What was looked at. */
export type HealthCheckName =
  | 'sqlite'
  | 'pragmas'
  | 'files'
  | 'file-system'
  | 'disk'
  | 'size'
  | 'wal'
  | 'processes'
  | 'migrations'
  | 'schema'
  | 'integrity'
  | 'foreign-keys'
  | 'backups'
  // Those of the definition.
  | (string & {});

/** One thing that was found. */
export interface HealthFinding {
  readonly check: HealthCheckName;
  readonly severity: HealthSeverity;
  /** What is so, one sentence; never a row's content. */
  readonly fact: string;
  /** What to do about it; on every warning and error. */
  readonly hint?: string;
}

/**
 * How much is read. `usual`: what a server may ask every minute; it costs the same on a large file as on a small one.
 * `quick` reads every page once (`PRAGMA quick_check`, sizes by table); `full` also compares each index with its table
 * (`PRAGMA integrity_check`) and follows each foreign key.
 */
export type HealthDepth = 'usual' | 'quick' | 'full';

/** The SQLite that is used. */
export interface SqliteFigures {
  readonly version: string;
  /** `sqlite_source_id()`: when that version was made, and its hash. */
  readonly sourceId: string;
  readonly driver: DriverName;
  /** Whose build of SQLite it is. */
  readonly library: 'built into Bun' | 'built into better-sqlite3' | 'built into Node' | 'part of macOS';
  /** `Bun 1.4.5`, `Node 24.21.0`. */
  readonly runtime: string;
  /** True where two writing processes can corrupt a file. https://sqlite.org/wal.html#the_wal_reset_bug */
  readonly hasWalResetBug: boolean;
}

/** A pragma of the connection that was asked. */
export interface PragmaFigure {
  readonly name: string;
  readonly value: number | string;
  /** What it should be; absent where any value will do. */
  readonly expected?: number | string;
}

/** A file or folder, and who may use it. */
export interface FileFigure {
  readonly path: string;
  /** Permission bits in octal, as `600`. */
  readonly mode: string;
  /** User id of the owner. */
  readonly uid: number;
  readonly bytes: number;
}

/** The file system that the database is on. */
export interface FileSystemFigures {
  /** `ext4`, `nfs`, ...; the number in hexadecimal where it is none that is known; absent where the system does not tell. */
  readonly type?: string;
  /** Bytes that this user may still write. */
  readonly freeBytes: number;
}

/** The room that a table or an index takes. */
export interface ObjectSize {
  readonly name: string;
  readonly type: 'table' | 'index';
  /** The table itself, or the one that the index is on. */
  readonly table: string;
  readonly bytes: number;
}

/** How large the file is, and what takes the room. */
export interface SizeFigures {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Bytes. */
  readonly pageSize: number;
  readonly pages: number;
  /** Pages of the file that hold nothing; new rows use them first, and `compact()` gives them back. */
  readonly freePages: number;
  /** Largest first; with depth `quick` or `full`. */
  readonly objects?: readonly ObjectSize[];
  /** `dbstat` counts pages; `estimate` stands in where the SQLite library lacks dbstat. https://sqlite.org/dbstat.html */
  readonly objectsFrom?: 'dbstat' | 'estimate';
}

/** The -wal, and what of it is not in the file yet. */
export interface WalFigures extends Partial<WalState> {
  /** Bytes of the -wal file; it keeps its length when it is begun anew. */
  readonly bytes: number;
  /** Bytes of the frames that are not yet in the file; absent where SQLite does not tell. */
  readonly pendingBytes?: number;
  /** When a checkpoint last wrote into the file; every pending frame is younger. */
  readonly lastCheckpointAt?: Instant;
}

/** What the file has of the history. */
export interface MigrationFigures {
  /** `current`, `pending`, or the kind of the MigrationError that opening the file would throw. */
  readonly state: string;
  /** Tags, oldest first. */
  readonly applied: readonly string[];
  /** Tags that opening the file for writing would apply, oldest first. */
  readonly pending: readonly string[];
}

/** The newest backup whose header, tables and ledger are right. */
export interface BackupFigures {
  readonly path: string;
  readonly at: Instant;
  /** Milliseconds from then to now. */
  readonly ageMs: number;
}

/** A row that refers to one that is not there. https://sqlite.org/pragma.html#pragma_foreign_key_check */
export interface DanglingRow {
  readonly table: string;
  /** Null in a table without rowids. */
  readonly rowid: number | null;
  readonly parent: string;
}

/** What was found out, as figures. One is absent where it was not asked for or could not be found out. */
export interface HealthFigures {
  readonly sqlite: SqliteFigures;
  readonly pragmas: readonly PragmaFigure[];
  readonly files: readonly FileFigure[];
  readonly fileSystem: FileSystemFigures;
  readonly size: SizeFigures;
  readonly wal: WalFigures;
  /** The processes that have the file open, this one too; absent where the system does not tell. */
  readonly processes: readonly LockHolder[];
  readonly migrations: MigrationFigures;
  readonly drift: readonly Drift[];
  /** What the check of depth `quick` or `full` reported, at most 100 lines; empty is good. */
  readonly damage: readonly string[];
  /** With depth `full`, at most 100. */
  readonly danglingRows: readonly DanglingRow[];
  /** The newest backup whose header, tables and ledger are right; null if there is none. */
  readonly newestBackup: BackupFigures | null;
}

/** The state of a database. */
export interface HealthReport extends Partial<HealthFigures> {
  /** The file, absolute, or `:memory:`. */
  readonly filename: string;
  /** When it was asked. */
  readonly at: Instant;
  readonly depth: HealthDepth;
  readonly durationMs: number;
  /** The worst of the findings. */
  readonly severity: HealthSeverity;
  readonly findings: readonly HealthFinding[];
}

const ORDER: readonly HealthSeverity[] = ['ok', 'info', 'warning', 'error'];

/** The worst of severities; `ok` of none. */
export function worst(severities: readonly HealthSeverity[]): HealthSeverity {
  return ORDER[Math.max(0, ...severities.map((severity) => ORDER.indexOf(severity)))] ?? 'ok';
}
