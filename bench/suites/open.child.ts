import { join } from 'node:path';
import { history as dorkHistory } from '../../drizzle/history.ts';
import { APPLICATION_ID } from '../../src/dork/application-id.ts';
import { Connection } from '../../src/engine/connection/connection.ts';
import type { Adapter } from '../../src/engine/driver/adapter.ts';
import { openConnection } from '../../src/engine/file/open.ts';
import { isCurrent } from '../../src/engine/migrations/current.ts';
import { type History, hashOf } from '../../src/engine/migrations/history.ts';
import { migrate } from '../../src/engine/migrations/runner.ts';
import { replay, schemaStatements } from '../../src/engine/migrations/schema-state.ts';
import { openConfigured } from '../harness/bare.ts';
import { median } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, SuiteOptions } from '../harness/suite.ts';

const BREAK = ';\n--> statement-breakpoint\n';

async function adapter(): Promise<Adapter> {
  if (process.versions.bun) return (await import('../../src/engine/driver/on-bun.ts')).onBun();
  return (await import('../../src/engine/driver/on-node.ts')).onNode();
}

/** The package's schema in one migration, and others that replace one index by another: the schema stays as large. */
function historyOf(count: number, memory: Connection): History {
  const migrations = Array.from({ length: count }, (_, i) => {
    const sql =
      i === 0
        ? [...(dorkHistory.schema ?? []), 'CREATE INDEX runs_0 ON pulse_runs (trigger)'].join(BREAK)
        : [`DROP INDEX runs_${i - 1}`, `CREATE INDEX runs_${i} ON pulse_runs (trigger)`].join(BREAK);
    return { tag: `${String(i).padStart(4, '0')}_index`, when: 1_700_000_000_000 + i, hash: hashOf(sql), sql };
  });
  using replayed = replay(memory, { migrations });
  return { migrations, schema: schemaStatements(replayed), applicationId: 0x444f524b };
}

interface Openable {
  close(): unknown;
}

/** Times opening alone, the arms in turns. */
function opening(operation: string, times: number, arms: Record<string, () => Openable>): Measurement {
  const costs = new Map<string, Cost[]>();
  for (let i = -times / 4; i < times; i++) {
    for (const [arm, open] of Object.entries(arms)) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      const database = open();
      const wall = (performance.now() - start) * 1000;
      const { user, system } = process.cpuUsage(cpu);
      database.close();
      if (i >= 0) costs.set(arm, [...(costs.get(arm) ?? []), { wall, cpu: user + system }]);
    }
  }
  const summary = [...costs].map(([arm, all]) => [
    arm,
    { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) },
  ]);
  return { operation, arms: Object.fromEntries(summary) };
}

export async function round({ folder, entry, quick }: SuiteOptions): Promise<Measurement[]> {
  const { createDb } = await importPackage(entry);
  const times = quick ? 4 : 200;
  const file = join(folder, 'dork.db');
  createDb(file).$client.close();
  const driver = await adapter();
  using memory = new Connection(driver, ':memory:');
  const measured = [
    opening('createDb()', times, { ours: () => createDb(file).$client, bare: () => openConfigured(file) }),
  ];
  for (const [count, isFolder] of [
    [1, false],
    [100, false],
    [10, true],
    [100, true],
    [400, true],
  ] as const) {
    const { schema, ...rest } = historyOf(count, memory);
    const history = isFolder ? rest : { ...rest, schema };
    const path = join(folder, `history-${count}-${isFolder}.db`);
    const made = openConnection(driver, path, {
      applicationId: APPLICATION_ID,
      isOurs: () => true,
      host: { name: 'dork' },
    });
    migrate(made, history);
    made.close();
    const ours = () => {
      const connection = openConnection(driver, path, {
        applicationId: APPLICATION_ID,
        isOurs: () => true,
        host: { name: 'dork' },
      });
      // Another object each time, as in a process that has not seen the history yet.
      if (!isCurrent(connection, { ...history })) throw new Error(`${path} is not current.`);
      return connection;
    };
    const name = `runner, ${count} migrations${isFolder ? ' from a folder' : ''}`;
    measured.push(opening(name, times, { ours, bare: () => openConfigured(path) }));
  }
  return measured;
}
