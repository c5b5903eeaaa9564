/** A file that Drizzle's own migrator made, through Drizzle's own driver, is taken over by a definition as it is. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { defineDb, readHistory } from '#entry';
import * as schema from '../../../examples/own-schema/schema.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME } from '../../support/runtime.ts';

const FOLDER = join(ROOT, 'examples', 'own-schema', 'drizzle');

/** Migrates a file as a program with Drizzle alone does, then runs more SQL. */
async function drizzleMigrate(file: string, more = ''): Promise<void> {
  if (RUNTIME === 'bun') {
    const { drizzle } = await import('drizzle-orm/bun-sqlite');
    const { migrate } = await import('drizzle-orm/bun-sqlite/migrator');
    const db = drizzle(file);
    migrate(db, { migrationsFolder: FOLDER });
    db.$client.run(`${more};SELECT 1`);
    db.$client.close();
    return;
  }
  const { drizzle } = await import('drizzle-orm/better-sqlite3');
  const { migrate } = await import('drizzle-orm/better-sqlite3/migrator');
  const db = drizzle(file);
  migrate(db, { migrationsFolder: FOLDER });
  db.$client.exec(more);
  db.$client.close();
}

const ROWS = `INSERT INTO notes (title, body, created_at) VALUES ('Shopping', 'milk', '2026-01-01T00:00:00Z');
  INSERT INTO note_tags VALUES (1, 'home')`;

describe(`a file of Drizzle's own migrator, on ${RUNTIME}`, () => {
  for (const applicationId of [undefined, 0x6e6f7465]) {
    it(`is opened with its rows and its ledger as they are, ${applicationId ? 'with' : 'without'} an application_id, and Drizzle goes on with it`, async () => {
      using folder = temporaryFolder();
      const file = folder.file('notes.db');
      await drizzleMigrate(file, ROWS);
      const history = readHistory(FOLDER);
      const kit = defineDb({ name: 'notes', schema, history, ...(applicationId && { applicationId }) });
      const ledger = () => {
        using db = kit.createDb(file);
        return db.$client.prepare('SELECT * FROM __drizzle_migrations').values();
      };
      const before = kit.migrationStatus(file);
      assert.deepEqual([before.state, before.applied.length, before.drift], ['current', 2, []]);
      const taken = ledger();
      assert.deepEqual(
        taken,
        history.migrations.map(({ hash, when }) => [null, hash, when]),
      );
      {
        using db = kit.createDb(file);
        const found = db.query.notes.findMany({ with: { tags: true } }).sync();
        assert.deepEqual(
          found.map(({ title, tags }) => [title, tags]),
          [['Shopping', [{ noteId: 1, tag: 'home' }]]],
        );
        const { rows } = await kit.backup(db);
        assert.equal(rows.notes, 1);
      }
      await drizzleMigrate(file);
      assert.deepEqual(ledger(), taken);
      assert.equal(kit.migrationStatus(file).state, 'current');
    });
  }
});
