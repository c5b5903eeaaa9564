import { pathToFileURL } from 'node:url';

/** What a user imports: the package as it is built for this runtime. */
export type Package = typeof import('../../src/index.ts');

export async function importPackage(entry: string): Promise<Package> {
  return (await import(pathToFileURL(entry).href)) as Package;
}
