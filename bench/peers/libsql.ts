import Database from 'libsql';
import { byHand, type Driver } from './by-hand.ts';
import type { PeerModule } from './peer.ts';

/**
 * libsql on a local file. Its own calls, not those of `@libsql/client` over them: a transaction of that one leaves its
 * connection behind, and the pragmas with it.
 */
export const open: PeerModule['open'] = async (path, pragmas) => {
  const database = new Database(path);
  database.exec(pragmas);
  return byHand(database as unknown as Driver);
};
