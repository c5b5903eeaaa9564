import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from '../harness/suite.ts';

/** What somebody would use instead of this package. */
export interface ListedPeer {
  /** The name of its arm. */
  readonly name: string;
  /** Its {@link PeerModule}, in this folder. */
  readonly file: string;
  readonly runtimes: readonly Runtime[];
  /** True where its calls give promises. */
  readonly isAsync: boolean;
  /** What must be there before it can be opened, from this folder; nothing where it is part of the runtime. */
  readonly needs?: string;
}

const BOTH: readonly Runtime[] = ['bun', 'node'];

export const PEERS: readonly ListedPeer[] = [
  { name: 'node:sqlite', file: 'node-sqlite.ts', runtimes: ['node'], isAsync: false },
  { name: 'libsql', file: 'libsql.ts', runtimes: BOTH, isAsync: false, needs: 'node_modules/libsql' },
  { name: 'Kysely', file: 'kysely.ts', runtimes: BOTH, isAsync: true, needs: 'node_modules/kysely' },
  { name: 'TypeORM', file: 'typeorm.ts', runtimes: BOTH, isAsync: true, needs: 'node_modules/typeorm' },
  { name: 'Prisma', file: 'prisma.ts', runtimes: BOTH, isAsync: true, needs: 'generated/client.ts' },
];

/** Whether a peer can be opened here and now. */
export function isThere({ needs }: ListedPeer): boolean {
  return needs === undefined || existsSync(join(import.meta.dirname, needs));
}
