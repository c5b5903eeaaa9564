/**
 * Lets Node find the modules of this project and of Drizzle faster: `node --import ./test/support/quick-modules.mjs`.
 * Node looks up a package.json for each of some four hundred files, and reads Drizzle's, of 400 kB, again and again, to
 * learn that they are modules. A process of a test took two to three times as long without this. What this does not
 * know by name, Node resolves itself; on a Node without hooks it does nothing. The published package needs none of it.
 */
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url).href;
const DEPENDENCIES = `${ROOT}node_modules/`;
const DRIZZLE = `${DEPENDENCIES}drizzle-orm/`;

const found = (url, format) => ({ url, format, shortCircuit: true });

/** The file of `drizzle-orm/sql` or `drizzle-orm/sql/sql`, as the "exports" of its package.json have it. */
function drizzleFile(specifier) {
  const path = DRIZZLE + specifier.slice('drizzle-orm/'.length);
  return [`${path}.js`, `${path}/index.js`].find((url) => existsSync(fileURLToPath(url)));
}

function resolve(specifier, context, nextResolve) {
  const parent = context.parentURL ?? '';
  const isOurs = parent.startsWith(ROOT) && !parent.startsWith(DEPENDENCIES);
  if (isOurs && specifier.startsWith('.') && specifier.endsWith('.ts')) {
    return found(new URL(specifier, parent).href, 'module-typescript');
  }
  if (isOurs && specifier.startsWith('drizzle-orm/')) {
    const file = drizzleFile(specifier);
    if (file !== undefined) return found(file, 'module');
  }
  if (parent.startsWith(DRIZZLE) && parent.endsWith('.js') && specifier.startsWith('.') && specifier.endsWith('.js')) {
    return found(new URL(specifier, parent).href, 'module');
  }
  return nextResolve(specifier, context);
}

nodeModule.registerHooks?.({ resolve });
