/**
 * What a replica of Litestream lacks when everything is killed: `bun bench/replication.ts`. docs/replication.md tells it.
 * It makes its files in a temporary folder and removes them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDb, SqliteIndex } from '../src/index.ts';

const BINARY = join(
  import.meta.dir,
  `../node_modules/@flydotio/litestream-${process.platform}-${process.arch}/litestream`,
);

/** Rows a second, and how long everything goes on after the last row, in milliseconds. */
const CASES = [
  { rate: 100, restMs: 1500 },
  { rate: 1000, restMs: 1500 },
  { rate: 1000, restMs: 0 },
  { rate: Number.POSITIVE_INFINITY, restMs: 1500 },
];
const WRITE_MS = 5000;
const TICK_MS = 10;

const [role, path = '', rate = '', restMs = ''] = process.argv.slice(2);
if (role === 'writer') await write(path, Number(rate), Number(restMs));
else await measure();

/** Writes for some seconds, says how many rows it wrote, and then only holds the file open. */
async function write(path: string, rate: number, restMs: number): Promise<void> {
  const index = new SqliteIndex(createDb(path));
  const began = performance.now();
  let rows = 0;
  for (let passed = 0; passed < WRITE_MS; passed = performance.now() - began) {
    const due = Math.min((passed / 1000) * rate, rows + 100);
    for (; rows < due; rows++)
      index.insertMessage({ id: `${rows}`, subject: 's', endpointHash: 'h', payload: 'x'.repeat(500) });
    await new Promise((resolve) => setTimeout(resolve, Number.isFinite(rate) ? TICK_MS : 0));
  }
  await new Promise((resolve) => setTimeout(resolve, restMs));
  console.log(rows);
  setInterval(() => {}, 1000);
}

async function measure(): Promise<void> {
  if (!existsSync(BINARY)) throw new Error(`There is no ${BINARY}: bun install`);
  console.log('| rows a second | after the last row, s | written | in the replica | -wal at the end, MB |');
  console.log('|--:|--:|--:|--:|--:|');
  for (const { rate, restMs } of CASES) {
    const folder = mkdtempSync(join(tmpdir(), 'dorkos-replication-'));
    const running: ChildProcess[] = [];
    try {
      const file = join(folder, 'dork.db');
      const replica = `file://${join(folder, 'replica')}`;
      createDb(file).$client.close();
      running.push(spawn(BINARY, ['replicate', file, replica], { stdio: 'ignore' }));
      const writer = spawn(process.execPath, [import.meta.path, 'writer', file, String(rate), String(restMs)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      running.push(writer);
      const [text] = await once(writer.stdout, 'data');
      await killAll(running);
      const wal = statSync(`${file}-wal`).size / 1e6;
      const restored = join(folder, 'restored.db');
      spawnSync(BINARY, ['restore', '-o', restored, replica]);
      const perSecond = Math.round(Number(text) / (WRITE_MS / 1000));
      console.log(`| ${perSecond} | ${restMs / 1000} | ${Number(text)} | ${rowsIn(restored)} | ${wal.toFixed(0)} |`);
    } finally {
      await killAll(running);
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function killAll(processes: ChildProcess[]): Promise<void> {
  for (const child of processes.splice(0)) {
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
  }
}

function rowsIn(path: string): number {
  if (!existsSync(path)) return 0;
  using db = createDb(path);
  return db.$client.prepare<{ n: number }>('SELECT count(*) AS n FROM relay_index').get()?.n ?? 0;
}
