/**
 * Runs the tests on Bun over Bun's own node:sqlite, which this package does not use: a second implementation that the
 * adapter is checked on. `bun test --preload ./test/support/bun-node-sqlite.ts`
 */
import { plugin } from 'bun';

Object.assign(globalThis, { adapterForBun: 'node:sqlite' });

plugin({
  name: 'node:sqlite on Bun',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/]engine[\\/]driver[\\/]on-bun\.ts$/ }, () => ({
      loader: 'ts',
      contents: "import { nodeSqlite } from './node-sqlite.ts'; export const onBun = () => nodeSqlite;",
    }));
  },
});
