/**
 * SQLite's result codes by primary code, and the extended ones of each: the number of the nth is the primary's plus
 * n times 256. An empty name is a number that SQLite has not given away. https://sqlite.org/rescode.html
 */
const CODES: readonly (readonly [primary: number, name: string, extended?: string])[] = [
  [1, 'ERROR', 'MISSING_COLLSEQ RETRY SNAPSHOT RESERVESIZE KEY UNABLE'],
  [2, 'INTERNAL'],
  [3, 'PERM'],
  [4, 'ABORT', '. ROLLBACK'],
  [5, 'BUSY', 'RECOVERY SNAPSHOT TIMEOUT'],
  [6, 'LOCKED', 'SHAREDCACHE VTAB'],
  [7, 'NOMEM'],
  [8, 'READONLY', 'RECOVERY CANTLOCK ROLLBACK DBMOVED CANTINIT DIRECTORY'],
  [9, 'INTERRUPT'],
  [
    10,
    'IOERR',
    'READ SHORT_READ WRITE FSYNC DIR_FSYNC TRUNCATE FSTAT UNLOCK RDLOCK DELETE BLOCKED NOMEM ACCESS CHECKRESERVEDLOCK LOCK CLOSE DIR_CLOSE SHMOPEN SHMSIZE SHMLOCK SHMMAP SEEK DELETE_NOENT MMAP GETTEMPPATH CONVPATH VNODE AUTH BEGIN_ATOMIC COMMIT_ATOMIC ROLLBACK_ATOMIC DATA CORRUPTFS IN_PAGE BADKEY CODEC',
  ],
  [11, 'CORRUPT', 'VTAB SEQUENCE INDEX'],
  [12, 'NOTFOUND'],
  [13, 'FULL'],
  [14, 'CANTOPEN', 'NOTEMPDIR ISDIR FULLPATH CONVPATH DIRTYWAL SYMLINK'],
  [15, 'PROTOCOL'],
  [16, 'EMPTY'],
  [17, 'SCHEMA'],
  [18, 'TOOBIG'],
  [
    19,
    'CONSTRAINT',
    'CHECK COMMITHOOK FOREIGNKEY FUNCTION NOTNULL PRIMARYKEY TRIGGER UNIQUE VTAB ROWID PINNED DATATYPE',
  ],
  [20, 'MISMATCH'],
  [21, 'MISUSE'],
  [22, 'NOLFS'],
  [23, 'AUTH', 'USER'],
  [24, 'FORMAT'],
  [25, 'RANGE'],
  [26, 'NOTADB'],
  [27, 'NOTICE', 'RECOVER_WAL RECOVER_ROLLBACK RBU'],
  [28, 'WARNING', 'AUTOINDEX'],
];

/** The names by number. */
export const RESULT_CODES: Readonly<Record<number, string>> = Object.fromEntries(
  CODES.flatMap(([primary, name, extended = '']) => [
    [primary, `SQLITE_${name}`],
    ...extended
      .split(' ')
      .flatMap((word, i) => (/^\w/.test(word) ? [[primary + (i + 1) * 256, `SQLITE_${name}_${word}`]] : [])),
  ]),
);

/** The name of a result code; that of its primary code for an extended one of a later SQLite. */
export function resultCode(number: number): string {
  return RESULT_CODES[number] ?? RESULT_CODES[number & 0xff] ?? 'SQLITE_ERROR';
}
