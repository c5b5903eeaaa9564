import {
  AgentRegistry,
  BudgetMapper,
  backup,
  checkpoint,
  compact,
  computeHealthStatus,
  createDb,
  type Db,
  DenialList,
  health,
  importLegacy,
  listBackups,
  monitor,
  newId,
  PulseStore,
  prune,
  pruneBackups,
  readHistory,
  recover,
  repairLedger,
  restore,
  runMigrations,
  SqliteIndex,
  TraceStore,
  verifyBackup,
} from '#entry';
import type { Random } from '../../kit/random.ts';
import { hostileValue, spoiled } from '../hostile.ts';

/** A call with arguments that no caller means, and what must be there where it was taken. */
export interface Call {
  readonly name: string;
  run(): unknown;
  /** Reads back what was given; the two must be equal. */
  readBack?(result: unknown): readonly [given: unknown, stored: unknown];
}

export type MakeCall = (random: Random) => Call;

const INSTANT = '2026-02-25T09:30:00.000Z';

/** Fields that people write, in which half a character is stored as U+FFFD. Elsewhere it is refused, or kept by JSON. */
const PROSE = new Set(['payload', 'metadata', 'name', 'registeredBy']);

/** What is to be stored of an object, as far as it is of plain fields that are there. */
function given(value: unknown, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const field = (value as Record<string, unknown>)[name];
      if (field === undefined) return [];
      if (typeof field === 'string' && PROSE.has(name)) return [[name, field.toWellFormed()]];
      // The integers of SQLite have one zero.
      return [[name, Object.is(field, -0) ? 0 : field]];
    }),
  );
}

function fieldsOf(stored: unknown, of: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(of).map((name) => [name, (stored as Record<string, unknown>)?.[name]]));
}

/** A call by its name and arguments. */
function call(name: string, fn: (...args: never[]) => unknown, args: readonly unknown[]): Call {
  return { name, run: () => fn(...(args as never[])) };
}

/** Every method of the six stores. */
export function storeCalls(db: Db): MakeCall[] {
  const pulse = new PulseStore(db);
  const messages = new SqliteIndex(db);
  const spans = new TraceStore(db);
  const agents = new AgentRegistry(db);
  const denials = new DenialList(db);
  const budget = new BudgetMapper(db);
  const schedule = {
    name: 'n',
    prompt: 'p',
    cron: '* * * * *',
    timezone: 'UTC',
    description: 'd',
    cwd: '/',
    enabled: true,
  };
  const run = { status: 'failed', finishedAt: INSTANT, durationMs: 1, outputSummary: 'o', error: 'e', sessionId: 's' };
  const message = {
    subject: 's',
    endpointHash: 'h',
    sender: 'a',
    status: 'failed',
    payload: 'p',
    metadata: 'm',
    expiresAt: INSTANT,
  };
  const span = {
    traceId: 't',
    subject: 's',
    spanId: 'x',
    status: 'failed',
    sentAt: INSTANT,
    error: 'e',
    metadata: { a: 1 },
    budgetHopsUsed: 1,
  };
  const behavior = { responseMode: 'always', escalationThreshold: 1 };
  const agent = {
    name: 'n',
    runtime: 'r',
    registeredAt: INSTANT,
    registeredBy: 'b',
    capabilities: ['c'],
    behavior,
    budget: { maxHopsPerMessage: 1, maxCallsPerHour: 1 },
    namespace: 'n',
    scanRoot: '/',
    color: 'blue',
  };
  const known = { schedule: '', run: '', message: newId(), agent: newId() };
  known.schedule = pulse.createSchedule({ name: 'k', prompt: 'p', cron: '* * * * *' }).id;
  known.run = pulse.createRun(known.schedule, 'manual').id;
  messages.insertMessage({ id: known.message, subject: 'k', endpointHash: 'k' });
  spans.insertSpan({ messageId: known.message, traceId: 'k', subject: 'k' });
  agents.insert({ ...agent, behavior: { responseMode: 'always' }, id: known.agent, projectPath: `/${known.agent}` });
  const id = (right: string, random: Random) => (random.chance(0.5) ? right : hostileValue(random));

  return [
    (random) => call('getSchedules', pulse.getSchedules.bind(pulse), [spoiled({ withNextRun: true }, random)]),
    (random) => call('getSchedule', pulse.getSchedule.bind(pulse), [hostileValue(random)]),
    (random) => {
      const input = spoiled(schedule, random);
      return {
        name: 'createSchedule',
        run: () => pulse.createSchedule(input as never),
        readBack: (result) => [pulse.getSchedule((result as { id: string }).id), result],
      };
    },
    (random) =>
      call('updateSchedule', pulse.updateSchedule.bind(pulse), [id(known.schedule, random), spoiled(schedule, random)]),
    (random) => call('deleteSchedule', pulse.deleteSchedule.bind(pulse), [hostileValue(random)]),
    (random) => call('createRun', pulse.createRun.bind(pulse), [id(known.schedule, random), hostileValue(random)]),
    (random) => {
      const patch = spoiled(run, random);
      return {
        name: 'updateRun',
        run: () => pulse.updateRun(known.run, patch as never),
        readBack: (result) => [pulse.getRun(known.run), result],
      };
    },
    (random) => call('getRun', pulse.getRun.bind(pulse), [hostileValue(random)]),
    (random) =>
      call('listRuns', pulse.listRuns.bind(pulse), [
        spoiled({ scheduleId: 'x', limit: 5, offset: 1, status: 'failed' }, random),
      ]),
    (random) => call('countRuns', pulse.countRuns.bind(pulse), [hostileValue(random)]),
    (random) => call('pruneRuns', pulse.pruneRuns.bind(pulse), [id('nobody', random), hostileValue(random)]),
    (random) => {
      const key = newId();
      const input = spoiled({ ...message, id: key }, random);
      return {
        name: 'insertMessage',
        run: () => messages.insertMessage(input as never),
        readBack: () => {
          const fields = given(input, ['subject', 'endpointHash', 'sender', 'payload', 'metadata']);
          const there = messages.getMessage((input as { id: string }).id);
          const expected = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
          return [expected, fieldsOf(there, expected)];
        },
      };
    },
    (random) =>
      call('insertMessages', messages.insertMessages.bind(messages), [
        random.chance(0.5)
          ? [spoiled({ ...message, id: newId() }, random), spoiled(message, random)]
          : hostileValue(random),
      ]),
    (random) =>
      call('updateStatus', messages.updateStatus.bind(messages), [id(known.message, random), hostileValue(random)]),
    (random) => call('getMessage', messages.getMessage.bind(messages), [hostileValue(random)]),
    (random) => call('getBySubject', messages.getBySubject.bind(messages), [hostileValue(random)]),
    (random) => call('getByEndpoint', messages.getByEndpoint.bind(messages), [hostileValue(random)]),
    (random) =>
      call('countSenderInWindow', messages.countSenderInWindow.bind(messages), [id('a', random), hostileValue(random)]),
    (random) => call('countNewByEndpoint', messages.countNewByEndpoint.bind(messages), [hostileValue(random)]),
    (random) =>
      call('queryMessages', messages.queryMessages.bind(messages), [
        spoiled({ subject: 's', status: 'failed', sender: 'a', endpointHash: 'h', cursor: 'c', limit: 3 }, random),
      ]),
    (random) => call('deleteExpired', messages.deleteExpired.bind(messages), [hostileValue(random)]),
    (random) => {
      const input = spoiled({ ...span, messageId: newId() }, random);
      return {
        name: 'insertSpan',
        run: () => spans.insertSpan(input as never),
        readBack: () => {
          const fields = given(input, ['traceId', 'subject', 'spanId', 'budgetHopsUsed']);
          return [fields, fieldsOf(spans.getSpanByMessageId((input as { messageId: string }).messageId), fields)];
        },
      };
    },
    (random) => call('updateSpan', spans.updateSpan.bind(spans), [id(known.message, random), spoiled(span, random)]),
    (random) => call('getSpanByMessageId', spans.getSpanByMessageId.bind(spans), [hostileValue(random)]),
    (random) => call('getTrace', spans.getTrace.bind(spans), [hostileValue(random)]),
    (random) => call('deleteOlderThan', spans.deleteOlderThan.bind(spans), [hostileValue(random)]),
    (random) => call('spans.getMetrics', spans.getMetrics.bind(spans), [spoiled({ since: INSTANT }, random)]),
    (random) => {
      const key = newId();
      const input = spoiled({ ...agent, id: key, projectPath: `/${key}` }, random);
      return {
        name: 'agents.insert',
        run: () => agents.insert(input as never),
        readBack: () => {
          const fields = given(input, [
            'name',
            'runtime',
            'registeredBy',
            'namespace',
            'scanRoot',
            'projectPath',
            'capabilities',
          ]);
          return [fields, fieldsOf(agents.get((input as { id: string }).id), fields)];
        },
      };
    },
    (random) => call('agents.get', agents.get.bind(agents), [hostileValue(random)]),
    (random) => call('getByPath', agents.getByPath.bind(agents), [hostileValue(random)]),
    (random) =>
      call('agents.list', agents.list.bind(agents), [
        spoiled({ runtime: 'r', namespace: 'n', capability: 'c' }, random),
      ]),
    (random) => call('listByNamespace', agents.listByNamespace.bind(agents), [hostileValue(random)]),
    (random) => call('agents.update', agents.update.bind(agents), [id(known.agent, random), spoiled(agent, random)]),
    (random) => call('agents.remove', agents.remove.bind(agents), [hostileValue(random)]),
    (random) =>
      call('updateHealth', agents.updateHealth.bind(agents), [
        id(known.agent, random),
        hostileValue(random),
        hostileValue(random),
      ]),
    (random) => call('getWithHealth', agents.getWithHealth.bind(agents), [hostileValue(random)]),
    (random) => call('listWithHealth', agents.listWithHealth.bind(agents), [spoiled({ runtime: 'r' }, random)]),
    (random) => {
      const path = id(`/denied/${newId()}`, random);
      const rest = [id('manual', random), id('reason', random), id('denier', random)];
      return {
        name: 'deny',
        run: () => denials.deny(path as never, ...(rest as [never, never, never])),
        readBack: () => [true, denials.isDenied(path as never)],
      };
    },
    (random) => call('isDenied', denials.isDenied.bind(denials), [hostileValue(random)]),
    (random) => call('denials.clear', denials.clear.bind(denials), [hostileValue(random)]),
    (random) => call('checkBudget', budget.checkBudget.bind(budget), [id('a', random), hostileValue(random)]),
    (random) => call('recordCall', budget.recordCall.bind(budget), [hostileValue(random)]),
    (random) => call('tryRecordCall', budget.tryRecordCall.bind(budget), [id('a', random), hostileValue(random)]),
  ];
}

/** Every function of the package that takes options; the paths are right, so that the options are what is tried. */
export function featureCalls(db: Db, folder: string): MakeCall[] {
  const file = db.$client.filename;
  const copy = `${folder}/copy.db`;
  return [
    (random) => call('health', health, [db, spoiled({ deep: true }, random)]),
    (random) => call('checkpoint', checkpoint, [db, spoiled({ mode: 'passive', waitMs: 0 }, random)]),
    (random) =>
      call('prune', prune, [db, spoiled({ buckets: true, tracesOlderThan: '2000-01-01T00:00:00.000Z' }, random)]),
    (random) => call('backup', backup, [db, spoiled({ label: 'l', deep: false }, random)]),
    (random) =>
      call('createDb', createDb as never, [
        ':memory:',
        spoiled({ readonly: false, busyTimeoutMs: 1, migrations: 'apply' }, random),
      ]),
    (random) => call('verifyBackup', verifyBackup as never, [copy, spoiled({ deep: false }, random)]),
    (random) => call('listBackups', listBackups as never, [hostileValue(random)]),
    (random) => call('pruneBackups', pruneBackups as never, [folder, spoiled({ dryRun: true, keepLast: 3 }, random)]),
    (random) =>
      call('restore', restore as never, [spoiled({ from: copy, to: file, dryRun: true, deep: false }, random)]),
    (random) => call('recover', recover as never, [spoiled({ from: `${folder}/none.db`, to: copy }, random)]),
    (random) => call('compact', compact as never, [`${folder}/none.db`, spoiled({ busyTimeoutMs: 1 }, random)]),
    (random) =>
      call('importLegacy', importLegacy as never, [
        db,
        spoiled({ home: folder, dryRun: true, keepOrphans: false }, random),
      ]),
    (random) =>
      call('runMigrations', runMigrations as never, [db, spoiled({ lockTimeoutMs: 1, snapshot: false }, random)]),
    (random) =>
      call('repairLedger', repairLedger as never, [
        db,
        hostileValue(random),
        spoiled({ reason: 'r', by: 'b' }, random),
      ]),
    (random) => call('readHistory', readHistory as never, [hostileValue(random)]),
    (random) => call('computeHealthStatus', computeHealthStatus as never, [hostileValue(random), hostileValue(random)]),
    (random) => ({
      name: 'monitor',
      run: () => {
        const watching = monitor(db, spoiled({ slowMs: 1 }, random) as never);
        watching.stop?.();
      },
    }),
  ];
}
