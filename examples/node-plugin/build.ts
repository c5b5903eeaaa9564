/**
 * `node examples/node-plugin/build.ts OUTFILE`: the plugin as one ES module. Everything of this package is inside, the
 * migrations too; only better-sqlite3, whose native part cannot be bundled, is installed beside it.
 */
import { build } from 'esbuild';

const [outfile = 'main.mjs'] = process.argv.slice(2);

await build({
  entryPoints: [`${import.meta.dirname}/plugin.ts`],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node', // so that the package gives its Node entry
  target: 'node22.14',
  external: ['better-sqlite3'],
  logLevel: 'warning',
});
