/**
 * `node examples/node-plugin/build.ts OUTFILE`: the plugin as one file. Everything is inside, the migrations too, and the
 * driver is the one that Node has built in.
 */
import { build } from 'esbuild';

const [outfile = 'main.js'] = process.argv.slice(2);

await build({
  entryPoints: [`${import.meta.dirname}/plugin.ts`],
  outfile,
  bundle: true,
  format: 'cjs', // as Obsidian loads it; 'esm' needs nothing else either
  platform: 'node', // so that the package gives its Node entry
  target: 'node24',
  logLevel: 'error',
});
