import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { attachedFile } from '../sql/attach.ts';
import { countParameters, mayNameParameters, parameterNames } from '../sql/sql-text.ts';
import type { SqliteValue } from './adapter.ts';
import { NodeStatement } from './node-statement.ts';

/**
 * An ATTACH that creates no file, like that of the other drivers: node:sqlite opens every file with a flag that makes
 * SQLite create attached files.
 */
export class AttachStatement extends NodeStatement {
  readonly #database: DatabaseSync;
  readonly #sql: string;

  constructor(database: DatabaseSync, sql: string, names: readonly (string | undefined)[] | undefined) {
    super(database, sql, names);
    this.#database = database;
    this.#sql = sql;
  }

  protected override args(params: readonly SqliteValue[]): never[] {
    const args = super.args(params);
    const name = this.#name(params);
    // An empty name is a temporary database.
    if (name !== '' && name !== ':memory:') this.#refuseMissing(name);
    return args;
  }

  #name(params: readonly SqliteValue[]): string {
    const file = attachedFile(this.#sql);
    if (!file) return '';
    if ('name' in file) return file.name;
    const names = mayNameParameters(file.expression) ? parameterNames(file.expression) : undefined;
    const select = new NodeStatement(this.#database, `SELECT ${file.expression}`, names);
    return String(select.values(params.slice(0, names?.length ?? countParameters(file.expression)))[0]?.[0] ?? '');
  }

  #refuseMissing(name: string): void {
    if (!name.startsWith('file:') && statSync(name, { throwIfNoEntry: false })) return;
    throw Object.assign(new Error(`unable to open database: ${name}`), { code: 'SQLITE_CANTOPEN' });
  }
}
