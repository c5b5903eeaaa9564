import { defineDb } from '#entry';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import type { AllowLoss, Migration } from '../../../src/engine/migrations/history.ts';
import { hashOf } from '../../../src/engine/migrations/history.ts';
import { dataTables, quoted } from '../../../src/engine/migrations/rows.ts';
import { migration } from '../migrations/support.ts';

/** How many migrations the host's history has. */
export const MIGRATIONS = 100;

interface Table {
  /** Definitions by column name, in their order; the first is the key. */
  readonly columns: Map<string, string>;
  readonly indexes: string[];
  readonly triggers: string[];
  readonly views: Map<string, string>;
  readonly options: string;
}

/** A host's schema as it grows: each step is one migration as drizzle-kit, or a person, writes it. */
export class GrowingHost {
  readonly #tables = new Map<string, Table>();
  readonly migrations: Migration[] = [];
  readonly #allowLoss: Record<string, string[]> = {};

  constructor() {
    const people = this.#create('people', [], '');
    const counters = 'CREATE TABLE counters (name text PRIMARY KEY NOT NULL, n integer NOT NULL) WITHOUT ROWID, STRICT';
    this.#write('people', [people, counters]);
    while (this.migrations.length < MIGRATIONS) this.#step(this.migrations.length);
  }

  get allowLoss(): AllowLoss {
    return this.#allowLoss;
  }

  #write(name: string, statements: readonly string[]): string {
    const tag = `${String(this.migrations.length).padStart(4, '0')}_${name}`;
    this.migrations.push(migration(tag, ...statements));
    return tag;
  }

  #step(i: number): void {
    const others = [...this.#tables.keys()].filter((name) => name !== 'people');
    const other = others[i % Math.max(1, others.length)] ?? 'people';
    switch (i % 10) {
      case 1:
      case 6: {
        const name = `things_${i}`;
        const owner = ['owner_id', 'integer REFERENCES people(id) ON DELETE CASCADE'] as const;
        this.#write(name, [this.#create(name, [owner], i % 20 === 1 ? ' STRICT' : '')]);
        return;
      }
      case 2:
        this.#write(`column_${i}`, [this.#addColumn(i % 20 === 2 ? 'people' : other, `extra_${i}`)]);
        return;
      case 3:
        this.#write('rebuild_people', this.#rebuild('people', i));
        return;
      case 4:
        this.#write(`search_${i}`, this.#search(other));
        return;
      case 5:
        this.#write(`objects_${i}`, this.#objects(other, i));
        return;
      case 7:
        this.#write(`rebuild_${other}`, this.#rebuild(other, i));
        return;
      case 8:
        this.#write(`words_${i}`, [`UPDATE ${other} SET title = title || '!' WHERE id % 2 = 0`]);
        return;
      case 9:
        if (others.length > 3) this.#drop(others[0] as string);
        else this.#write(`column_${i}`, [this.#addColumn('people', `extra_${i}`)]);
        return;
      default:
        this.#write(`index_${i}`, [
          this.#index(other, `CREATE INDEX ${other}_even_${i} ON ${other} (title) WHERE id % 2 = 0`),
        ]);
    }
  }

  #create(name: string, more: readonly (readonly [string, string])[], options: string): string {
    const columns = new Map([
      ['id', 'integer PRIMARY KEY AUTOINCREMENT NOT NULL'],
      ['title', 'text NOT NULL'],
      ...more,
      ['letters', 'integer GENERATED ALWAYS AS (length(title)) VIRTUAL'],
    ]);
    const table = { columns, indexes: [], triggers: [], views: new Map(), options };
    this.#tables.set(name, table);
    return `CREATE TABLE ${name} ${bodyOf(table)}`;
  }

  #table(name: string): Table {
    return this.#tables.get(name) as Table;
  }

  #addColumn(table: string, column: string): string {
    const definition = "text DEFAULT 'none' NOT NULL";
    this.#table(table).columns.set(column, definition);
    return `ALTER TABLE ${table} ADD ${column} ${definition}`;
  }

  #index(table: string, sql: string): string {
    this.#table(table).indexes.push(sql);
    return sql;
  }

  /** A full text search over the table, kept by triggers. */
  #search(name: string): string[] {
    const fts = `${name}_fts`;
    const table = this.#table(name);
    if (table.triggers.some((sql) => sql.includes(fts))) {
      return [this.#index(name, `CREATE INDEX ${name}_lower_${table.indexes.length} ON ${name} (lower(title))`)];
    }
    const triggers = [
      `CREATE TRIGGER ${fts}_in AFTER INSERT ON ${name} BEGIN INSERT INTO ${fts}(rowid, title) VALUES (new.id, new.title); END`,
      `CREATE TRIGGER ${fts}_out AFTER DELETE ON ${name} BEGIN INSERT INTO ${fts}(${fts}, rowid, title) VALUES ('delete', old.id, old.title); END`,
      `CREATE TRIGGER ${fts}_change AFTER UPDATE OF title ON ${name} BEGIN INSERT INTO ${fts}(${fts}, rowid, title) VALUES ('delete', old.id, old.title); INSERT INTO ${fts}(rowid, title) VALUES (new.id, new.title); END`,
    ];
    table.triggers.push(...triggers);
    return [
      `CREATE VIRTUAL TABLE ${fts} USING fts5(title, content='${name}', content_rowid='id')`,
      `INSERT INTO ${fts}(${fts}) VALUES ('rebuild')`,
      ...triggers,
    ];
  }

  #objects(name: string, i: number): string[] {
    const view = `CREATE VIEW ${name}_view_${i} AS SELECT id, title FROM ${name} WHERE letters > 1`;
    const trigger = `CREATE TRIGGER ${name}_count_${i} AFTER INSERT ON ${name} BEGIN INSERT INTO counters VALUES ('${name}_${i}', 1) ON CONFLICT DO UPDATE SET n = n + 1; END`;
    const table = this.#table(name);
    table.views.set(`${name}_view_${i}`, view);
    table.triggers.push(trigger);
    return [view, trigger];
  }

  #rebuild(name: string, i: number): string[] {
    const table = this.#table(name);
    // What a rebuild is for.
    table.columns.set('title', i % 2 === 0 ? 'text NOT NULL' : "text DEFAULT '' NOT NULL");
    const copied = [...table.columns]
      .filter(([, definition]) => !definition.includes('GENERATED'))
      .map(([column]) => `"${column}"`);
    const created = bodyOf(table);
    return [
      ...[...table.views.keys()].map((view) => `DROP VIEW ${view}`),
      'PRAGMA foreign_keys=OFF',
      `CREATE TABLE \`__new_${name}\` ${created}`,
      `INSERT INTO \`__new_${name}\`(${copied.join(', ')}) SELECT ${copied.join(', ')} FROM \`${name}\``,
      `DROP TABLE \`${name}\``,
      `ALTER TABLE \`__new_${name}\` RENAME TO \`${name}\``,
      'PRAGMA foreign_keys=ON',
      ...table.indexes,
      ...table.triggers,
      ...table.views.values(),
    ];
  }

  #drop(name: string): void {
    const { views, triggers } = this.#table(name);
    const fts = triggers.some((sql) => sql.includes(`${name}_fts`)) ? [`DROP TABLE ${name}_fts`] : [];
    this.#tables.delete(name);
    const tag = this.#write(`no_${name}`, [
      ...[...views.keys()].map((view) => `DROP VIEW ${view}`),
      `DROP TABLE ${name}`,
      ...fts,
    ]);
    this.#allowLoss[tag] = [name];
  }
}

function bodyOf({ columns, options }: Table): string {
  return `(${[...columns].map(([name, definition]) => `${name} ${definition}`).join(', ')})${options}`;
}

const host = new GrowingHost();

const define = (migrations: readonly Migration[]) =>
  defineDb({ name: 'host', schema: {}, history: { migrations }, allowLoss: host.allowLoss, command: 'host-db' });

/** The host's database as it was after so many migrations. */
export const growingHost = (count = MIGRATIONS) => define(host.migrations.slice(0, count));

/** The host's database with a comment added to one migration. */
export function edited(at: number) {
  const change = ({ sql, ...rest }: Migration): Migration => {
    const text = `-- why\n${sql}`;
    return { ...rest, sql: text, hash: hashOf(text) };
  };
  return define(host.migrations.map((each, i) => (i === at ? change(each) : each)));
}

/** Adds two rows (or as many as given) to every table, people first. Their values differ from call to call. */
export function populate(connection: Connection, call: number, rows = 2): void {
  const names = dataTables(connection).filter((name) => name === 'people' || name.startsWith('things_'));
  for (const name of names.sort()) {
    const columns = connection.prepare<{ name: string }>('SELECT name FROM pragma_table_info(?)').all(name);
    const extras = columns.map((column) => column.name).filter((column) => column.startsWith('extra_'));
    const owner = name === 'people' ? [] : ['owner_id'];
    const insert = connection.prepare(
      `INSERT INTO ${name} (${['title', ...owner, ...extras].join(', ')}) VALUES (${['?', ...owner.map(() => '(SELECT max(id) FROM people)'), ...extras.map(() => '?')].join(', ')})`,
    );
    for (let i = 0; i < rows; i++) insert.run(`${name} ${call} ${i}`, ...extras.map((extra) => `${extra} of ${call}`));
  }
}

/** The schema, the rows of each table, and whatever else a migration must keep. */
export type Dump = readonly [schema: unknown, tables: [name: string, rows: unknown[]][], ...others: unknown[]];

export function dump(connection: Connection): Dump {
  const schema = connection
    .prepare<{ sql: string | null; name: string }>(
      'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name',
    )
    .all()
    .filter(({ name }) => !/__drizzle|_migrations_log/.test(name));
  const searches = schema.filter(({ sql }) => sql?.startsWith('CREATE VIRTUAL TABLE')).map(({ name }) => name);
  return [
    schema,
    dataTables(connection).map((name) => [name, connection.prepare(`SELECT * FROM ${quoted(name)} ORDER BY 1`).all()]),
    searches.map((name) => connection.prepare(`SELECT rowid FROM ${name} WHERE ${name} MATCH '1' ORDER BY 1`).values()),
    connection.prepare('SELECT name, seq FROM sqlite_sequence ORDER BY name').all(),
    connection.pragma('integrity_check', { simple: true }),
    connection.prepare('PRAGMA foreign_key_check').all(),
  ];
}
