import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import {
  agents,
  count,
  createDb,
  type Db,
  DorkDbError,
  eq,
  guardDomains,
  newId,
  pulseRuns,
  pulseSchedules,
  relayIndex,
} from '#entry';
import { openedTables } from '../../../src/engine/connection/opened-tables.ts';
import { countParameters } from '../../../src/engine/sql/sql-text.ts';
import { statementsOf } from '../../../src/stores/statements.ts';

const pulse = statementsOf('pulse');
const relay = statementsOf('relay');
const AT = '2026-02-25T09:30:00.000Z';

function guarded(): Db {
  const db = createDb(':memory:');
  guardDomains(db);
  return db;
}

/** The statement is refused at its first run, for that table, and ran nothing. */
function assertViolation(run: () => unknown, domain: string, table: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof DorkDbError);
    assert.equal(error.code, 'DOMAIN_VIOLATION');
    assert.match(error.message, new RegExp(`^A statement of ${domain} opens ${table}, `));
    assert.ok(error.hint.length > 0);
    return true;
  });
}

function insertSchedule(db: Db, id: string): void {
  db.insert(pulseSchedules)
    .values({ id, name: 'n', cron: '* * * * *', prompt: 'p', createdAt: AT, updatedAt: AT })
    .run();
}

describe('guardDomains', () => {
  it('lets a statement open every table of its own domain', () => {
    using db = guarded();
    const joined = pulse(db, () =>
      db.select({ n: count() }).from(pulseRuns).innerJoin(pulseSchedules, eq(pulseRuns.scheduleId, pulseSchedules.id)),
    );
    assert.equal(joined.all().length, 1);
  });

  it('refuses a read of a table of another domain', () => {
    using db = guarded();
    assertViolation(() => pulse(db, () => db.select().from(agents)).all(), 'pulse', 'agents');
  });

  it('refuses a write to a table of another domain, and nothing is written', () => {
    using db = guarded();
    insertSchedule(db, 'a');
    const steal = relay(db, () => db.delete(pulseSchedules));
    assertViolation(() => steal.run(), 'relay', 'pulse_schedules');
    assert.equal(db.select().from(pulseSchedules).all().length, 1);
  });

  it('goes on refusing a statement that was refused', () => {
    using db = guarded();
    const steal = relay(db, () => db.delete(pulseSchedules));
    assertViolation(() => steal.run(), 'relay', 'pulse_schedules');
    assertViolation(() => steal.run(), 'relay', 'pulse_schedules');
  });

  it('sees a foreign table behind a subquery', () => {
    using db = guarded();
    const hidden = relay(db, () =>
      db
        .select({ id: relayIndex.id })
        .from(relayIndex)
        .where(sql`exists (select 1 from ${agents} where ${agents.name} = ${relayIndex.sender})`),
    );
    assertViolation(() => hidden.all(), 'relay', 'agents');
  });

  it('sees a foreign table behind a view', () => {
    using db = guarded();
    db.$client.exec('CREATE VIEW relay_view AS SELECT id FROM agents');
    const hidden = relay(db, () => db.select({ id: sql`id` }).from(sql`relay_view`));
    assertViolation(() => hidden.all(), 'relay', 'agents');
  });

  it('sees a foreign table of which only an index is read', () => {
    using db = guarded();
    const counted = relay(db, () => db.select({ n: count() }).from(pulseRuns));
    assert.match(
      JSON.stringify(db.$client.prepare('EXPLAIN QUERY PLAN SELECT count(*) FROM pulse_runs').all()),
      /COVERING INDEX/,
    );
    assertViolation(() => counted.all(), 'relay', 'pulse_runs');
  });

  it('sees a foreign table that only a trigger writes', () => {
    using db = guarded();
    db.$client.exec('CREATE TRIGGER t AFTER INSERT ON pulse_schedules BEGIN DELETE FROM agents; END');
    const insert = pulse(
      db,
      () =>
        db
          .insert(pulseSchedules)
          .values({ id: sql.placeholder('id'), name: 'n', cron: 'c', prompt: 'p', createdAt: AT, updatedAt: AT }),
      'id',
    );
    assertViolation(() => insert.run(newId()), 'pulse', 'agents');
    assert.deepEqual(db.select().from(pulseSchedules).all(), []);
  });

  it('sees a foreign table that only a foreign key action writes', () => {
    using db = guarded();
    db.$client.exec('CREATE TABLE spy (run text REFERENCES pulse_runs(id) ON DELETE CASCADE)');
    const remove = pulse(db, () => db.delete(pulseRuns).where(eq(pulseRuns.id, sql.placeholder('id'))), 'id');
    assertViolation(() => remove.run('x'), 'pulse', 'spy');
  });

  it('lets triggers and foreign key actions work inside a domain', () => {
    using db = guarded();
    insertSchedule(db, 'a');
    db.insert(pulseRuns).values({ id: 'r', scheduleId: 'a', status: 'running', startedAt: AT, createdAt: AT }).run();
    const remove = pulse(db, () => db.delete(pulseSchedules).where(eq(pulseSchedules.id, sql.placeholder('id'))), 'id');
    assert.equal(remove.run('a').changes, 1);
    assert.deepEqual(db.select().from(pulseRuns).all(), []);
    const insert = relay(
      db,
      () => db.insert(relayIndex).values({ id: sql.placeholder('id'), subject: 's', endpointHash: 'h', createdAt: AT }),
      'id',
    );
    assert.equal(insert.run('m').changes, 1);
  });

  it('refuses tables that belong to no domain, SQLite’s own schema among them', () => {
    using db = guarded();
    const ledger = relay(db, () => db.select({ hash: sql`hash` }).from(sql`__drizzle_migrations`));
    assertViolation(() => ledger.all(), 'relay', '__drizzle_migrations');
    const schema = relay(db, () => db.select({ name: sql`name` }).from(sql`sqlite_schema`));
    assertViolation(() => schema.all(), 'relay', 'sqlite_schema');
    const vacuum = relay(db, () => ({ toSQL: () => ({ sql: 'VACUUM', params: [] }) }));
    assertViolation(() => vacuum.run(), 'relay', 'every table');
  });

  it('refuses a table of an attached file', () => {
    using db = guarded();
    db.$client.exec("ATTACH ':memory:' AS other; CREATE TABLE other.agents (id text)");
    const attached = pulse(db, () => db.select({ id: sql`id` }).from(sql`other.agents`));
    assertViolation(() => attached.all(), 'pulse', 'an attached database');
  });

  it('lets temporary tables and table-valued functions be', () => {
    using db = guarded();
    db.$client.exec('CREATE TEMP TABLE scratch (id text)');
    assert.deepEqual(pulse(db, () => db.select({ id: sql`id` }).from(sql`scratch`)).all(), []);
    const each = pulse(db, () => db.select({ value: sql`value` }).from(sql`json_each('[7]')`));
    assert.deepEqual(each.all(), [{ value: 7 }]);
  });

  it('leaves statements of no domain alone', () => {
    using db = guarded();
    assert.deepEqual(
      db.select({ id: agents.id }).from(agents).innerJoin(pulseRuns, eq(agents.id, pulseRuns.id)).all(),
      [],
    );
    assert.deepEqual(db.$client.prepare('SELECT id FROM agents').all(), []);
  });

  it('takes a schema that changes after it was turned on', () => {
    using db = guarded();
    db.$client.exec('CREATE TABLE later (id text)');
    assertViolation(() => pulse(db, () => db.select({ id: sql`id` }).from(sql`later`)).all(), 'pulse', 'later');
  });
});

describe('openedTables', () => {
  it('names what a DELETE without WHERE clears, and what a DROP destroys', () => {
    using db = createDb(':memory:');
    db.$client.exec('CREATE TABLE plain (a text); CREATE INDEX plain_a ON plain (a)');
    assert.deepEqual([...openedTables(db.$client, 'DELETE FROM plain')], ['plain']);
    assert.ok(openedTables(db.$client, 'DROP TABLE plain').has('plain'));
    assert.ok(openedTables(db.$client, 'CREATE TABLE more AS SELECT a FROM plain').has('plain'));
    assert.deepEqual(db.$client.prepare('SELECT count(*) AS n FROM plain').get(), { n: 0 });
  });
});

describe('countParameters', () => {
  for (const [statement, expected] of [
    ['SELECT 1', 0],
    ['SELECT ?, ?', 2],
    ['SELECT \'?\', "?", ? -- ?\n/* ? */', 1],
    ['SELECT ?3', 3],
    ['SELECT ?1, ?1, ?', 2],
    ['SELECT ?2, ?1', 2],
  ] as const) {
    it(`counts ${expected} in ${JSON.stringify(statement)}`, () => {
      assert.equal(countParameters(statement), expected);
    });
  }
});
