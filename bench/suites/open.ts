import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PRAGMAS } from '../harness/bare.ts';
import { median } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import { commandOf } from '../harness/run.ts';
import type { Cost, Measurement, Runtime, Suite, SuiteOptions } from '../harness/suite.ts';

/** Scripts that open an up-to-date file and end, by arm; `FILE` and `ENTRY` stand for the paths. */
function scriptsFor(runtime: Runtime, entry: string, file: string, history: string): Record<string, string> {
  const path = JSON.stringify(file);
  const isOwn = runtime === 'node' && process.env.DORK_DB_DRIVER === 'node:sqlite';
  const driver = runtime === 'bun' ? 'bun:sqlite' : 'better-sqlite3';
  const bare = isOwn
    ? `import { DatabaseSync as Database } from 'node:sqlite';`
    : runtime === 'bun'
      ? `import { Database } from '${driver}';`
      : `import Database from '${driver}';`;
  return {
    ours: `import { createDb, closeDb } from ${JSON.stringify(entry)}; closeDb(createDb(${path}));`,
    bare: `${bare} const db = new Database(${path}); db.exec(${JSON.stringify(PRAGMAS)}); db.close();`,
    // Drizzle has no package for Node's own driver.
    usual: `${isOwn ? `import Database from '${driver}';` : bare} import { drizzle } from 'drizzle-orm/${runtime === 'bun' ? 'bun-sqlite' : driver}';
      import { migrate } from 'drizzle-orm/${runtime === 'bun' ? 'bun-sqlite' : driver}/migrator';
      const client = new Database(${path}); client.exec(${JSON.stringify(PRAGMAS)});
      migrate(drizzle({ client }), { migrationsFolder: ${JSON.stringify(history)} }); client.close();`,
    empty: '',
  };
}

async function wholeProcess({ folder, entry, quick }: SuiteOptions, runtime: Runtime): Promise<Measurement[]> {
  const file = join(folder, 'dork.db');
  const { createDb, closeDb } = await importPackage(join(dirname(entry), runtime === 'bun' ? '' : 'bun', 'index.js'));
  closeDb(createDb(file));
  // Inside the project, where the drivers are found.
  const scripts = join(dirname(entry), 'open');
  mkdirSync(scripts, { recursive: true });
  const paths = Object.entries(scriptsFor(runtime, entry, file, join(import.meta.dir, '..', '..', 'drizzle'))).map(
    ([arm, text]) => {
      const path = join(scripts, `${arm}.mjs`);
      writeFileSync(path, text);
      return [arm, path] as const;
    },
  );
  const costs = new Map<string, Cost[]>();
  const processes = quick ? 1 : 10;
  for (let i = -1; i < processes; i++) {
    for (const [arm, path] of paths) {
      const start = performance.now();
      const { exitCode, resourceUsage, stderr } = Bun.spawnSync([commandOf(runtime), path], { stderr: 'pipe' });
      const wall = (performance.now() - start) * 1000;
      if (exitCode !== 0) throw new Error(`${path} failed: ${stderr}`);
      // The first ones fill the caches of the file system.
      if (i >= 0) costs.set(arm, [...(costs.get(arm) ?? []), { wall, cpu: Number(resourceUsage.cpuTime.total) }]);
    }
  }
  const arms = [...costs].map(([arm, all]) => [
    arm,
    { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) },
  ]);
  return [{ operation: 'import, open, close, exit', arms: Object.fromEntries(arms) }];
}

/** Opening an up-to-date file as a program feels it: the whole process, and so its wall time. */
function ofProcess(goal: number): Suite {
  return {
    name: 'open',
    rounds: 5,
    outside: wholeProcess,
    table: {
      title: 'open, whole process',
      compared:
        'A script that imports the built package, opens an up-to-date file and ends, against the same with the bare driver and the same pragmas, with Drizzle and its migrate(), and against an empty script; ten processes of each a round, in turns.',
      by: 'wall',
      unit: 'ms',
      arms: ['ours', 'bare', 'usual', 'empty'],
      ratios: [
        { title: 'ours / bare', over: 'ours', under: 'bare', goal: { atMost: goal } },
        { title: 'ours / bare, CPU', over: 'ours', under: 'bare', by: 'cpu' },
        { title: 'usual / ours', over: 'usual', under: 'ours' },
      ],
    },
  };
}

/** The goal depends on the runtime: Bun's own driver is part of the program. */
export function openSuites(runtime: Runtime): Suite[] {
  return [
    ofProcess(runtime === 'bun' ? 4 : 2),
    {
      name: 'open',
      child: 'suites/open.child.ts',
      rounds: 5,
      table: {
        title: 'open, in a running process',
        compared:
          'createDb() of the built package on an up-to-date file, ledger and schema verified, against opening it with the bare driver and the same pragmas; and the runner on histories of 1 to 400 migrations that yield the schema of the package, embedded and from a folder. Closing is not timed.',
        by: 'cpu',
        unit: 'us',
        arms: ['ours', 'bare'],
        ratios: [{ title: 'ours / bare', over: 'ours', under: 'bare', goal: { atMost: 1.5 } }],
      },
    },
  ];
}
