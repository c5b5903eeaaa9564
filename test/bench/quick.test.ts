import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { BUN, ROOT, RUNTIME } from '../support/runtime.ts';

const run = promisify(execFile);

interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

interface Report {
  readonly suite: string;
  readonly title: string;
  readonly compared: string;
  readonly runtime: string;
  readonly quick: boolean;
  readonly operations: readonly {
    readonly operation: string;
    readonly arms: Readonly<Record<string, { readonly cpu: number; readonly wall: number }>>;
    readonly ratios: Readonly<Record<string, Ratio>>;
  }[];
}

/** What each suite must have measured, whatever it took. */
const SUITES: Record<string, { tables: number; operations: string[]; arms: string[] }> = {
  stores: { tables: 1, operations: ['getMessage', 'insertSpan', 'tryRecordCall', 'createRun'], arms: ['ours', 'bare'] },
  peers: { tables: 1, operations: ['getMessage', 'tryRecordCall'], arms: ['ours', 'bare'] },
  open: { tables: 2, operations: ['import, open, close, exit', 'createDb()'], arms: ['ours', 'bare'] },
  history: { tables: 1, operations: ['10 migrations, new file'], arms: ['ours', 'bare'] },
  growth: { tables: 1, operations: ['getMessage', 'updateSpan'], arms: ['1k', '10k'] },
  cache: { tables: 1, operations: ['cache of 16 MB'], arms: ['small', 'large'] },
  writes: { tables: 2, operations: ['as shipped', 'insertMessage, mean'], arms: [] },
  contention: { tables: 2, operations: ['4 Bun', '4 Node', '2 Bun, 2 Node', '4 of both'], arms: ['ours', 'bare'] },
  import: { tables: 1, operations: ['a message and a span, each'], arms: ['ours', 'bare'] },
  backup: { tables: 1, operations: ['backup'], arms: ['ours', 'bare'] },
  memory: { tables: 1, operations: ['every store'], arms: [] },
  monitor: { tables: 1, operations: ['2,000 calls a second', 'full speed'], arms: ['without', 'with'] },
  health: { tables: 1, operations: ['health(db)'], arms: ['small', 'large'] },
};

/** All suites in one run, which builds the package once. */
async function quick(): Promise<Report[]> {
  const { stdout } = await run(
    BUN,
    ['bench/main.ts', ...Object.keys(SUITES), '--quick', '--json', '--runtime', RUNTIME],
    {
      cwd: ROOT,
      maxBuffer: 2 ** 26,
    },
  );
  return JSON.parse(stdout).reports;
}

describe(`bench --quick (${RUNTIME})`, () => {
  let all: Report[] = [];
  before(async () => {
    all = await quick();
  });

  for (const [suite, { tables, operations, arms }] of Object.entries(SUITES)) {
    it(`${suite} runs, compares its arms and says what it compared`, () => {
      const reports = all.filter((report) => report.suite === suite);
      assert.equal(reports.length, tables);
      const measured = reports.flatMap((report) => report.operations);
      for (const operation of operations) {
        const row = measured.find((one) => one.operation === operation);
        assert.ok(row, `${operation} was not measured`);
        for (const arm of arms) assert.ok((row.arms[arm]?.wall ?? 0) > 0, `${operation} was not measured for ${arm}`);
      }
      for (const report of reports) {
        assert.equal(report.runtime, RUNTIME);
        assert.equal(report.quick, true);
        assert.ok(report.compared.length > 0);
        for (const { ratios } of report.operations) {
          for (const { min, median, max } of Object.values(ratios)) assert.ok(min <= median && median <= max);
        }
      }
    });
  }

  it('refuses a suite that there is not, by its name', { timeout: 60_000 }, async () => {
    await assert.rejects(run(BUN, ['bench/main.ts', 'nothing'], { cwd: ROOT }), (error: Error & { code: number }) => {
      assert.equal(error.code, 2);
      assert.match(error.message, /no suite nothing/);
      return true;
    });
  });
});
