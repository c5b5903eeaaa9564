import { DatabaseSync } from 'node:sqlite';
import { byHand } from './by-hand.ts';
import type { PeerModule } from './peer.ts';

/** The driver that is part of Node. */
export const open: PeerModule['open'] = async (path, pragmas) => {
  const database = new DatabaseSync(path);
  database.exec(pragmas);
  return byHand(database);
};
