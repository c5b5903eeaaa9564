import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a user imports: the package and its subpaths as they are built for this runtime. */
export type Package = typeof import('../../src/index.ts') &
  typeof import('../../src/dork/pulse/index.ts') &
  typeof import('../../src/dork/relay/index.ts') &
  typeof import('../../src/dork/mesh/index.ts');

export async function importPackage(entry: string): Promise<Package> {
  const load = async (path: string): Promise<object> => import(pathToFileURL(path).href);
  const [root, ...parts] = await Promise.all([
    load(entry),
    ...['pulse', 'relay', 'mesh'].map((part) => load(join(dirname(entry), part, 'index.js'))),
  ]);
  return Object.assign({}, root, ...parts) as Package;
}
