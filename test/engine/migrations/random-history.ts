import fc from 'fast-check';

/** What one random change does; numbers choose among the tables and columns that there are. */
export interface Change {
  readonly kind: (typeof KINDS)[number];
  readonly table: number;
  readonly column: number;
  /** Whether a loss is declared, a trigger made again, a column NOT NULL. */
  readonly flag: boolean;
}

const KINDS = [
  'create',
  'create child',
  'add column',
  'rebuild',
  'rebuild',
  'rebuild without a column',
  'rebuild out of the way',
  'rename table',
  'rename column',
  'index',
  'unique index',
  'trigger',
  'drop trigger',
  'insert',
  'update',
  'delete',
  'drop table',
  'take over',
  'dangle',
] as const;

/** A list of migrations, each a list of changes. */
export const randomChanges = fc.array(
  fc.array(fc.record({ kind: fc.constantFrom(...KINDS), table: fc.nat(), column: fc.nat(), flag: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
  { minLength: 1, maxLength: 7 },
);

interface Column {
  name: string;
  notNull: boolean;
}

interface Table {
  name: string;
  readonly columns: Column[];
  parent?: Table;
  triggers: { name: string; body: string }[];
  indexes: { name: string; unique: boolean; column: Column }[];
}

/** A trigger or an index that went with the old form of its table. */
interface Lost {
  readonly table: Table;
  /** The column of an index, by its name at that time. */
  readonly column?: string;
}

/** One migration as SQL, and what must come of it. */
export interface RandomMigration {
  readonly statements: readonly string[];
  /** The name that a table has afterwards, by the one before; undefined for one that is gone. */
  readonly nameAfter: ReadonlyMap<string, string | undefined>;
  /** Names that may lose rows. */
  readonly declared: ReadonlySet<string>;
  /** True if a trigger or an index goes with a table that is rebuilt. */
  readonly losesObject: boolean;
}

function has({ columns }: Table, column: string): boolean {
  return columns.some(({ name }) => name === column);
}

/** Turns changes into SQL, keeping in mind what the schema has at each point. */
export class HistoryWriter {
  readonly #tables: Table[] = [];
  /** The tables that the present migration makes. */
  readonly #isNew = new Set<Table>();
  /** True where a table of the present migration has taken a dropped one's name. */
  #hasTakenOver = false;
  #next = 0;

  write(changes: readonly Change[]): RandomMigration {
    this.#isNew.clear();
    this.#hasTakenOver = false;
    const before = new Map(this.#tables.map((table) => [table, table.name]));
    const statements: string[] = [];
    const declared = new Set<string>();
    const lost = new Map<string, Lost>();
    for (const change of changes) this.#change(change, statements, declared, lost);
    const kept = new Set(this.#tables);
    return {
      statements:
        declared.size > 0 ? [`-- allow-loss: ${[...declared].join(', ')}\nSELECT 1`, ...statements] : statements,
      nameAfter: new Map([...before].map(([table, name]) => [name, kept.has(table) ? table.name : undefined])),
      declared,
      losesObject: [...lost.values()].some(({ table, column }) => column === undefined || has(table, column)),
    };
  }

  #change(
    { kind, table: place, column: at, flag }: Change,
    sql: string[],
    declared: Set<string>,
    lost: Map<string, Lost>,
  ): void {
    const number = this.#next++;
    const table = this.#tables[place % Math.max(1, this.#tables.length)];
    if (kind === 'create' || !table) {
      this.#create(
        { name: `t${number}`, columns: [{ name: `c${number}`, notNull: flag }], triggers: [], indexes: [] },
        sql,
      );
      return;
    }
    const column = table.columns[at % table.columns.length] as Column;
    switch (kind) {
      case 'create child':
        this.#create(
          {
            name: `t${number}`,
            columns: [{ name: `c${number}`, notNull: false }],
            parent: table,
            triggers: [],
            indexes: [],
          },
          sql,
        );
        return;
      case 'add column':
        table.columns.push({ name: `c${number}`, notNull: flag });
        sql.push(`ALTER TABLE ${table.name} ADD COLUMN c${number} text${flag ? " NOT NULL DEFAULT 'd'" : ''}`);
        return;
      case 'rebuild':
        column.notNull = !column.notNull;
        this.#rebuild(table, sql, flag, lost);
        return;
      case 'rebuild without a column':
        if (table.columns.length > 1) table.columns.splice(at % table.columns.length, 1);
        this.#rebuild(table, sql, flag, lost);
        return;
      case 'rebuild out of the way':
        // After a take-over of its name, only the rows would tell whose place the new table takes.
        this.#rebuild(table, sql, flag, lost, !this.#hasTakenOver);
        return;
      case 'rename table':
        sql.push(`ALTER TABLE ${table.name} RENAME TO t${number}`);
        table.name = `t${number}`;
        return;
      case 'rename column':
        sql.push(`ALTER TABLE ${table.name} RENAME COLUMN ${column.name} TO c${number}`);
        column.name = `c${number}`;
        return;
      case 'index':
      case 'unique index':
        table.indexes.push({ name: `i${number}`, unique: kind === 'unique index', column });
        this.#makeIndexes(table, sql, table.indexes.slice(-1));
        return;
      case 'trigger': {
        const body = 'BEGIN SELECT CASE WHEN 1 THEN 2 END; END';
        table.triggers.push({ name: `r${number}`, body });
        sql.push(`CREATE TRIGGER r${number} AFTER INSERT ON ${table.name} ${body}`);
        return;
      }
      case 'drop trigger': {
        const [trigger] = table.triggers;
        if (!trigger) return;
        table.triggers = table.triggers.slice(1);
        sql.push(`DROP TRIGGER ${trigger.name}`);
        return;
      }
      case 'insert':
        sql.push(`INSERT INTO ${table.name} (${column.name}) SELECT ${column.name} || '+' FROM ${table.name}`);
        return;
      case 'update':
        sql.push(`UPDATE ${table.name} SET ${column.name} = ${column.name} || '!'`);
        return;
      case 'delete':
        if (flag) declared.add(table.name);
        sql.push(`DELETE FROM ${table.name} WHERE id % 2 = 0`);
        return;
      case 'drop table':
        this.#drop(table, sql, flag, declared, lost);
        return;
      case 'take over': {
        const { name } = table;
        this.#drop(table, sql, flag, declared, lost);
        // One that was made in this migration would be the same table made anew.
        const heirs = this.#tables.filter((other) => !this.#isNew.has(other));
        const heir = heirs[at % Math.max(1, heirs.length)];
        if (!heir) return;
        sql.push(`ALTER TABLE ${heir.name} RENAME TO ${name}`);
        heir.name = name;
        this.#hasTakenOver = true;
        return;
      }
      case 'dangle':
        if (table.parent) sql.push(`UPDATE ${table.name} SET parent = -1 WHERE id % 3 = 0`);
        return;
    }
  }

  #definition({ columns, parent }: Table): string {
    const list = columns.map(({ name, notNull }) => `${name} text${notNull ? " NOT NULL DEFAULT ''" : ''}`);
    const key = parent ? `, parent integer REFERENCES ${parent.name}(id) ON DELETE CASCADE` : '';
    return `(id integer PRIMARY KEY, ${list.join(', ')}${key})`;
  }

  #create(table: Table, sql: string[]): void {
    this.#tables.push(table);
    this.#isNew.add(table);
    sql.push(`CREATE TABLE ${table.name} ${this.#definition(table)}`);
  }

  /** In drizzle-kit's shape, or with the old table renamed first, which takes the references to it along. */
  #rebuild(table: Table, sql: string[], recreates: boolean, lost: Map<string, Lost>, isOldFirst = false): void {
    const { name: t } = table;
    const names = ['id', ...table.columns.map(({ name }) => name), ...(table.parent ? ['parent'] : [])].join(', ');
    const copy = (into: string, from: string) => `INSERT INTO \`${into}\`(${names}) SELECT ${names} FROM \`${from}\``;
    if (isOldFirst) {
      sql.push(`ALTER TABLE ${t} RENAME TO old_${t}`, `CREATE TABLE ${t} ${this.#definition(table)}`);
      sql.push(copy(t, `old_${t}`), `DROP TABLE old_${t}`);
    } else {
      sql.push('PRAGMA foreign_keys=OFF', `CREATE TABLE \`__new_${t}\` ${this.#definition(table)}`);
      sql.push(copy(`__new_${t}`, t), `DROP TABLE \`${t}\``, `ALTER TABLE \`__new_${t}\` RENAME TO \`${t}\``);
      sql.push('PRAGMA foreign_keys=ON');
    }
    table.indexes = table.indexes.filter(({ column }) => table.columns.includes(column));
    if (recreates) {
      this.#makeIndexes(table, sql, table.indexes);
      for (const { name, body } of table.triggers)
        sql.push(`CREATE TRIGGER ${name} AFTER INSERT ON ${table.name} ${body}`);
      return;
    }
    for (const { name } of table.triggers) lost.set(name, { table });
    for (const { name, column } of table.indexes) lost.set(name, { table, column: column.name });
    table.triggers = [];
    table.indexes = [];
  }

  #makeIndexes({ name: table }: Table, sql: string[], indexes: Table['indexes']): void {
    for (const { name, unique, column } of indexes)
      sql.push(`CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${name} ON ${table} (${column.name})`);
  }

  #drop(table: Table, sql: string[], declares: boolean, declared: Set<string>, lost: Map<string, Lost>): void {
    for (const [name, of] of lost) if (of.table === table) lost.delete(name);
    if (declares) declared.add(table.name);
    sql.push(`DROP TABLE ${table.name}`);
    this.#tables.splice(this.#tables.indexOf(table), 1);
    for (const other of this.#tables) if (other.parent === table) other.parent = { ...table };
  }
}
