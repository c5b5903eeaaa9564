/**
 * For a Node that knows neither types nor `using`: `node --import ./test/support/lower-syntax.mjs`. esbuild makes of each
 * source what Node 22 runs, when it is loaded.
 */
import { register } from 'node:module';

register('./lower-syntax-hooks.mjs', import.meta.url);
