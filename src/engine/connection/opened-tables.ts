import { countParameters } from '../sql/sql-text.ts';
import type { Connection } from './connection.ts';

/** One instruction of a statement's program. https://sqlite.org/opcode.html */
type Instruction = {
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p5: number;
};

/** The root of a b-tree: its database (0 the file, 1 temporary tables, from 2 attached files) and its first page. */
interface Root {
  readonly database: number;
  readonly page: number;
}

/** The page is then in a register: the program creates the b-tree itself, and writes to the schema anyway. */
const P2_IS_REGISTER = 0x10;

/** Returns the b-tree that an instruction opens, empties or destroys. */
function rootOf({ opcode, p1, p2, p3, p5 }: Instruction): Root | undefined {
  switch (opcode) {
    case 'OpenRead':
    case 'OpenWrite':
    case 'ReopenIdx':
      return p5 & P2_IS_REGISTER ? undefined : { database: p3, page: p2 };
    case 'Clear':
      return { database: p2, page: p1 };
    case 'Destroy':
      return { database: p3, page: p1 };
    default:
      return undefined;
  }
}

/** Instructions that read every b-tree of a file without opening one by name. */
const OPENS_ALL = new Set(['Vacuum', 'IntegrityCk']);

/**
 * Returns the tables of the file that a statement may read or write, itself and by its triggers and foreign key actions,
 * according to SQLite's compiled program. An index counts as its table; temporary tables and table-valued functions do not
 * count.
 * https://sqlite.org/lang_explain.html
 */
export function openedTables(connection: Connection, sql: string): Set<string> {
  const explain = connection.prepare<Instruction>(`EXPLAIN ${sql}`);
  // Row by row, because bun:sqlite does not reset an EXPLAIN after all(), and an open transaction could not commit. All
  // rows are read before any other statement runs: if that statement notices that another process changed the schema,
  // SQLite frees memory that the EXPLAIN still uses, and the process crashes.
  const program = [...explain.iterate(...new Array<null>(countParameters(sql)).fill(null))];
  const names = tablesByRoot(connection);
  const opened = new Set<string>();
  for (const instruction of program) {
    if (OPENS_ALL.has(instruction.opcode)) opened.add('every table');
    const root = rootOf(instruction);
    if (root?.database === 0) opened.add(names.get(root.page) ?? `the b-tree at page ${root.page}`);
    else if (root && root.database > 1) opened.add('an attached database');
  }
  return opened;
}

/** Returns tables, and the tables of indexes, by the first page of their b-tree. That of the schema is page 1. */
function tablesByRoot(connection: Connection): Map<number, string> {
  const rows = connection
    .prepare<{ page: number; name: string }>(
      'SELECT rootpage AS page, tbl_name AS name FROM main.sqlite_schema WHERE rootpage > 0',
    )
    .all();
  return new Map([[1, 'sqlite_schema'], ...rows.map(({ page, name }): [number, string] => [page, name])]);
}
