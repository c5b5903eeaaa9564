/** Calls one function of the package as a user who owns nothing, and prints the error that comes of it. */
import * as dork from '#entry';
import { becomeUser, NOBODY } from './user.ts';

const [name = '', ...args] = process.argv.slice(2);
becomeUser(NOBODY);
try {
  await (dork as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(
    ...args.map((arg) => JSON.parse(arg)),
  );
} catch (error) {
  if (!(error instanceof dork.DorkDbError)) throw error;
  console.log(JSON.stringify(error));
}
