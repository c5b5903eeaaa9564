import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  AgentRegistry,
  BudgetMapper,
  createDb,
  type Db,
  DenialList,
  DorkDbError,
  health,
  importLegacy,
  migrationStatus,
  newId,
  PulseStore,
  SqliteIndex,
  TraceStore,
  verifyBackup,
} from '#entry';
import { assertKept, writeHome } from '../oracle.ts';
import { type Bench, EACH, type Round, type Scenario } from '../scenario.ts';

/** Functions that SQL inside a file could do harm with. */
const UNSAFE = [
  "load_extension('x')",
  "fts3_tokenizer('simple', x'00')",
  "writefile('x', 'y')",
  "edit('x')",
  "readfile('/etc/passwd')",
];

const PLANTED_SQL: Scenario = {
  name: 'planted-sql',
  promise:
    'SQL that someone put into the file runs no function that does harm, and is told as what does not belong there.',
  sides: EACH,
  rounds: { quick: UNSAFE.length, usual: UNSAFE.length },
  prepare: ({ folder: bench }) => {
    writeHome(join(bench, 'dork.db'), bench, ['ada'], 5);
    return ({ number, folder }) => {
      cpSync(bench, folder, { recursive: true });
      const file = join(folder, 'dork.db');
      const unsafe = UNSAFE[number % UNSAFE.length];
      {
        using db = createDb(file);
        db.$client.exec(
          `CREATE TRIGGER planted AFTER INSERT ON relay_index BEGIN SELECT ${unsafe}; END;
           CREATE VIEW seen AS SELECT ${unsafe} AS x`,
        );
      }
      const warnings: string[] = [];
      using db = createDb(file, { logger: { warn: (message) => warnings.push(message) } });
      assert.ok(
        warnings.some((warning) => warning.includes('planted')),
        String(warnings),
      );
      assert.ok(migrationStatus(db).drift.some(({ name }) => name === 'planted'));
      assert.ok(health(db).findings.some(({ check, fact }) => check === 'schema' && fact.includes('planted')));
      const index = new SqliteIndex(db);
      const before = index.getBySubject('ada').length;
      assert.throws(() => index.insertMessage({ id: newId(), subject: 'ada', endpointHash: 'h' }), DorkDbError);
      assert.throws(() => db.$client.prepare('SELECT * FROM seen').all(), DorkDbError);
      assert.equal(index.getBySubject('ada').length, before);
      db.$client.exec('DROP TRIGGER planted; DROP VIEW seen');
      db.$client.close();
      assertKept(file, folder);
      return undefined;
    };
  },
};

const NO_EXTENSIONS: Scenario = {
  name: 'no-extensions',
  promise: 'No SQL loads an extension, and none writes the schema as a table.',
  sides: EACH,
  rounds: { quick: 1, usual: 1 },
  prepare: () => {
    return ({ folder }) => {
      using db = createDb(join(folder, 'dork.db'));
      for (const sql of [
        "SELECT load_extension('x')",
        "SELECT load_extension('./x.so', 'init')",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'x'",
        "SELECT fts3_tokenizer('simple', x'0000000000000000')",
      ]) {
        assert.throws(() => db.$client.exec(sql), DorkDbError, sql);
      }
      return undefined;
    };
  },
};

/** Fills every text that a caller may give, but for ids, with a secret. */
function fillWith(db: Db, secret: string): { agent: string; message: string; run: string } {
  const pulse = new PulseStore(db);
  const schedule = pulse.createSchedule({
    name: secret,
    prompt: secret,
    cron: '* * * * *',
    description: secret,
    cwd: secret,
  });
  const run = pulse.createRun(schedule.id, 'manual').id;
  pulse.updateRun(run, { outputSummary: secret, error: secret, sessionId: secret });
  const message = newId();
  new SqliteIndex(db).insertMessage({
    id: message,
    subject: 's',
    endpointHash: 'h',
    sender: secret,
    payload: secret,
    metadata: secret,
  });
  new TraceStore(db).insertSpan({
    messageId: message,
    traceId: 't',
    subject: 's',
    error: secret,
    metadata: { secret },
  });
  const agent = newId();
  new AgentRegistry(db).insert({
    id: agent,
    name: secret,
    description: secret,
    runtime: 'other',
    projectPath: '/p',
    registeredAt: 0,
    registeredBy: secret,
    token: secret,
  });
  new DenialList(db).deny('/denied', 'manual', secret, secret);
  return { agent, message, run };
}

/** Calls that fail with the secret among their arguments or in the rows that they touch. */
function failuresOf(db: Db, secret: string, known: ReturnType<typeof fillWith>): (() => unknown)[] {
  const agents = new AgentRegistry(db);
  const pulse = new PulseStore(db);
  const messages = new SqliteIndex(db);
  const right = { name: secret, runtime: 'r', registeredAt: 0, registeredBy: secret, projectPath: '/other' };
  return [
    () => agents.insert({ ...right, id: known.agent }),
    () => agents.insert({ ...right, id: newId(), projectPath: '/p' }),
    () => agents.insert({ ...right, id: newId(), budget: secret as never }),
    () => agents.insert({ ...right, id: newId(), registeredAt: secret }),
    () => pulse.createSchedule({ name: 'n', prompt: 'p', cron: secret }),
    () => pulse.createSchedule({ name: 'n', prompt: 'p', cron: '* * * * *', timezone: secret }),
    () => pulse.createSchedule({ name: 'n', prompt: secret, cron: '* * * * *', cwd: `${secret}\ud800` }),
    () => pulse.createRun(secret, 'manual'),
    () => pulse.updateRun(known.run, { status: secret as never }),
    () => messages.insertMessage({ id: known.message, subject: 's', endpointHash: 'h', status: secret as never }),
    () => messages.insertMessage({ id: newId(), subject: 's', endpointHash: 'h', expiresAt: secret }),
    () => new TraceStore(db).updateSpan(known.message, { metadata: secret as never }),
    () => new BudgetMapper(db).checkBudget('a', secret as never),
    () => db.$client.prepare('UPDATE agents SET budget_json = ?').run(secret),
    () => db.$client.prepare('UPDATE pulse_runs SET status = ?').run(secret),
    () => db.$client.prepare('INSERT INTO agents SELECT * FROM agents').run(),
    () => db.$client.prepare("SELECT json_extract(name, '$.x') FROM agents").all(),
    () => db.$client.prepare('SELECT ?').get({ secret } as never),
  ];
}

const NO_SECRETS: Scenario = {
  name: 'no-secrets',
  promise: 'No error, log, report or command shows what a row holds.',
  sides: EACH,
  rounds: { quick: 1, usual: 4 },
  prepare: (bench) => (round) => assertSilent(bench, round),
};

async function assertSilent({ dorkDb }: Bench, { folder, random }: Round): Promise<undefined> {
  const secret = `sk-live-${random.next().toString(36).slice(2)}`;
  const file = join(folder, 'dork.db');
  const told: string[] = [];
  const tell = (value: unknown) => void told.push(inspect(value, { depth: 20, maxStringLength: null }));
  {
    using db = createDb(file, { logger: { warn: tell } });
    const known = fillWith(db, secret);
    for (const fail of failuresOf(db, secret, known)) {
      try {
        fail();
        assert.fail(`${fail} did not fail`);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        tell(error);
        tell((error as Error).cause);
        if (error instanceof DorkDbError) tell(error.toJSON());
      }
    }
    tell(health(db, { deep: true }));
    tell(migrationStatus(db));
    // An older file with the same secrets, in rows that do not fit too.
    const older = join(folder, 'older');
    mkdirSync(older);
    writeFileSync(
      join(older, 'schedules.json'),
      JSON.stringify([
        { id: 'a', name: secret, prompt: secret, cron: secret },
        { id: 'b', name: { secret }, prompt: secret, cron: '* * * * *', createdAt: secret },
        { id: 'c', name: secret, prompt: secret, cron: '* * * * *', enabled: secret },
      ]),
    );
    tell(importLegacy(db, { home: older }));
  }
  const env = { DORK_HOME: folder };
  for (const args of [
    ['status'],
    ['doctor', '--deep'],
    ['backup'],
    ['backups'],
    ['migrate'],
    ['prune', '--expired-messages'],
    ['compact'],
  ]) {
    for (const more of [[], ['--json']]) tell(await dorkDb([...args, ...more], { env }));
  }
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x41, bytes.length - 8192, bytes.length - 100));
  for (const args of [['status'], ['doctor', '--deep'], ['backup'], ['verify', file], ['migrate']])
    tell(await dorkDb(args, { env }));
  await verifyBackup(file, { deep: true }).catch(tell);
  assert.ok(told.length > 40);
  for (const text of told) assert.ok(!text.includes(secret), `It shows what a row holds: ${text.slice(0, 2000)}`);
  return undefined;
}

export const PLANTED = [PLANTED_SQL, NO_EXTENSIONS, NO_SECRETS];
