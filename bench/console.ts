/**
 * What an open page of the console costs the server beside it: bun bench/console.ts [ROUNDS]. The same writes and reads,
 * in turns with a page open and without one; the view Now, which asks every two seconds, on a file that others fill.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDb, PulseStore } from '../src/index.ts';

const ROUNDS = Number(process.argv[2] ?? 10);
const ROUND_MS = 4000;

const folder = mkdtempSync(join(tmpdir(), 'dorkos-db-bench-'));
const file = join(folder, 'dork.db');
const db = createDb(file);
const pulse = new PulseStore(db);
const { id } = pulse.createSchedule({ name: 'n', prompt: 'p', cron: '* * * * *' });

const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
const child = spawn(process.execPath, [main, 'console', '--db', file, '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let printed = '';
const { address } = await new Promise<{ address: string }>((resolve) => {
  child.stdout.on('data', (data) => {
    printed += data;
    if (printed.trimEnd().endsWith('}')) resolve(JSON.parse(printed));
  });
});
const cookie = (await fetch(address)).headers.get('set-cookie')?.split(';')[0] ?? '';
const events = `${address.split('?')[0]}events?view=now`;

/** Milliseconds of processor time that the console has taken; NaN where the system does not tell. */
function processorMs(): number {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** Rounds a second of a run that is stored, ended and read. */
function work(): number {
  const end = performance.now() + ROUND_MS;
  let rounds = 0;
  for (; performance.now() < end; rounds++) {
    const run = pulse.createRun(id, 'manual');
    pulse.updateRun(run.id, { status: 'completed' });
    pulse.listRuns({ limit: 10 });
  }
  return (rounds / ROUND_MS) * 1000;
}

/** A page that reads what comes, in a process of its own: it does not take this one's time. */
async function openPage(): Promise<() => void> {
  const script = `const r = await fetch(${JSON.stringify(events)}, { headers: { cookie: ${JSON.stringify(cookie)} } }); console.log('open'); for await (const _ of r.body);`;
  const page = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((resolve) => page.stdout.once('data', () => resolve()));
  return () => void page.kill();
}

const ratios: number[] = [];
const spent: number[] = [];
work();
for (let round = 0; round < ROUNDS; round++) {
  const measured = new Map<boolean, number>();
  for (const isOpen of round % 2 === 0 ? [true, false] : [false, true]) {
    const close = isOpen ? await openPage() : () => {};
    const before = processorMs();
    measured.set(isOpen, work());
    if (isOpen) spent.push((processorMs() - before) / ROUND_MS);
    close();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  ratios.push((measured.get(true) ?? 0) / (measured.get(false) ?? 1));
}
child.kill('SIGINT');
db.$client.close();
rmSync(folder, { recursive: true });

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
console.log(`throughput with an open page, of that without: ${(median(ratios) * 100).toFixed(1)} % (${ROUNDS} rounds)`);
console.log(`  each: ${ratios.map((ratio) => (ratio * 100).toFixed(1)).join(' ')}`);
console.log(`processor time of the console: ${(median(spent) * 100).toFixed(2)} % of one core`);
