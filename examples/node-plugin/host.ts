/** `node examples/node-plugin/host.ts BUNDLE VAULT`: what a host does with the plugin; prints its panel as JSON. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as plugin from './plugin.ts';

const [bundle, vault] = process.argv.slice(2) as [string, string];
const { DorkPlugin } = (await import(pathToFileURL(resolve(bundle)).href)) as typeof plugin;
const loaded = new DorkPlugin({ vault: resolve(vault), notice: (text) => console.error(text) });
loaded.onload();
const panel = loaded.panel();
loaded.onunload();
if (panel) console.log(JSON.stringify(panel));
else process.exitCode = 1;
