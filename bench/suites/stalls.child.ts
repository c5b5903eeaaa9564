import { openConfigured } from '../harness/bare.ts';
import { type Act, mean } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { openBuilder } from '../stores/builder.ts';
import { copyFilled } from '../stores/filled.ts';
import { messageOperations } from '../stores/messages.ts';

export { prepareFilled as prepare } from '../stores/filled.ts';

export async function round({ folder, entry, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const file = (arm: string) => copyFilled(folder, arm);
  const db = pkg.createDb(file('ours'), { migrations: 'require' });
  const bare = openConfigured(file('bare'));
  const operation = messageOperations({ pkg, db, bare, builder: await openBuilder(file('builder')), rows }).find(
    ({ name }) => name === 'insertMessage',
  );
  const acts = ['ours', 'bare'].map((arm) => operation?.arms[arm] as Act);
  const calls = quick ? 200 : 20_000;
  const times: number[][] = [[], []];
  for (let i = -calls / 5; i < calls; i++) {
    for (const [arm, act] of acts.entries()) {
      const start = performance.now();
      act(i + calls);
      if (i >= 0) times[arm]?.push((performance.now() - start) * 1000);
    }
  }
  pkg.closeDb(db);
  bare.close();
  const [ours, other] = times.map((all) => {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (q: number) => sorted[Math.floor(sorted.length * q)] ?? Number.NaN;
    return { mean: mean(all), median: at(0.5), slow: at(0.999), slowest: sorted.at(-1) ?? Number.NaN };
  });
  if (!ours || !other) throw new Error('Nothing was measured.');
  return [
    {
      operation: 'insertMessage, mean',
      arms: { ours: { wall: ours.mean, cpu: ours.mean }, bare: { wall: other.mean, cpu: other.mean } },
      figures: {
        'p99.9 of ours, us': ours.slow,
        'p99.9 / median of ours (goal ≤ 20)': ours.slow / ours.median,
        'p99.9 / median of bare': other.slow / other.median,
        'slowest of ours, us': ours.slowest,
      },
    },
  ];
}
