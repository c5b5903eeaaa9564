import { constants, copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BareDatabase, openConfigured } from '../harness/bare.ts';
import { type Act, compareAll, FULL, QUICK } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, SuiteOptions } from '../harness/suite.ts';
import { endpointOf, fill, instantOf, senderOf, subjectOf } from '../stores/fill.ts';

interface Variant {
  readonly name: string;
  /** Which indexes and triggers of relay_index it lacks, by the name of each. */
  readonly lacks: (name: string) => boolean;
}

const FREE = 'without any of them';
const isCounter = (name: string) => name.startsWith('relay_index_count');

function variantsOf(names: readonly string[]): Variant[] {
  const indexes = names.filter((name) => !isCounter(name));
  return [
    { name: 'as shipped', lacks: () => false },
    ...indexes.map((index) => ({ name: `without ${index}`, lacks: (name: string) => name === index })),
    { name: 'without the counters', lacks: isCounter },
    { name: FREE, lacks: () => true },
  ];
}

function namesIn(database: BareDatabase): string[] {
  const rows = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE tbl_name = 'relay_index' AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY name",
    )
    .all() as { name: string }[];
  return rows.map(({ name }) => name);
}

function without(database: BareDatabase, { lacks }: Variant): void {
  for (const name of namesIn(database)) {
    if (lacks(name)) database.exec(`DROP ${isCounter(name) ? 'TRIGGER' : 'INDEX'} ${name}`);
  }
  database.exec('VACUUM');
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

export async function prepare({ folder, entry, rows }: SuiteOptions): Promise<void> {
  const { createDb, closeDb } = await importPackage(entry);
  const path = join(folder, 'filled.db');
  closeDb(createDb(path));
  const database = openConfigured(path);
  fill(database, rows);
  // Only relay_index is measured: the other tables would only make the copies larger.
  database.exec('DELETE FROM relay_traces; DELETE FROM pulse_runs; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  const variants = variantsOf(namesIn(database));
  database.close();
  for (const variant of variants) {
    const copy = join(folder, `${variant.name}.db`);
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    const own = openConfigured(copy);
    without(own, variant);
    own.close();
  }
}

export async function round({ folder, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const filled = openConfigured(join(folder, '..', 'filled.db'));
  const variants = variantsOf(namesIn(filled)).map(({ name }) => name);
  filled.close();
  const insert: Record<string, Act> = {};
  const deliver: Record<string, Act> = {};
  const bytes: Record<string, number> = {};
  const opened: BareDatabase[] = [];
  for (const name of variants) {
    const path = join(folder, `${name}.db`);
    copyFileSync(join(folder, '..', `${name}.db`), path, constants.COPYFILE_FICLONE);
    bytes[name] = statSync(path).size;
    const database = openConfigured(path);
    opened.push(database);
    const add = database.prepare(
      `INSERT INTO relay_index (id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at)
       VALUES (?, ?, ?, ?, 'pending', ?, ?, NULL, ?)`,
    );
    const set = database.prepare('UPDATE relay_index SET status = ? WHERE id = ?');
    insert[name] = (i) =>
      add.run(
        `01J${String(i).padStart(23, '0')}`,
        subjectOf(i),
        senderOf(i),
        endpointOf(i),
        '2099-01-01T00:00:00.000Z',
        '{"text":"the content of a message, about as long as one is"}',
        instantOf(i),
      ).changes;
    // Each message is delivered once: those that wait are the newest, then come new ones.
    deliver[name] = (i) => set.run('delivered', `01J${String(i).padStart(23, '0')}`).changes;
  }
  const effort = quick ? QUICK : FULL;
  const measured = await compareAll(
    [
      { name: 'insert', kind: 'write', arms: insert },
      { name: 'deliver', kind: 'write', arms: deliver },
    ],
    effort,
  );
  for (const database of opened) database.close();
  const cost = (operation: string, arm: string) =>
    measured.find((one) => one.operation === operation)?.arms[arm] as Cost;
  return variants.map((name) => ({
    operation: name,
    arms: {
      insert: cost('insert', name),
      deliver: cost('deliver', name),
      'insert, free': cost('insert', FREE),
      'deliver, free': cost('deliver', FREE),
    },
    figures: { MB: (bytes[name] ?? 0) / 2 ** 20, rows },
  }));
}
