import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { PrismaClient } from './generated/client.ts';
import { checked, type MessageRow, type Peer, type PeerModule } from './peer.ts';

/** Prisma 7, which has no engine of its own any more, on better-sqlite3. */
export const open: PeerModule['open'] = async (path, pragmas): Promise<Peer> => {
  const prisma = new PrismaClient({ adapter: new PrismaBetterSqlite3({ url: `file:${path}` }) });
  for (const pragma of pragmas.split(';')) if (pragma.trim()) await prisma.$queryRawUnsafe(pragma);
  return {
    getMessage: (id) => prisma.message.findFirst({ where: { id } }) as Promise<MessageRow | null>,
    newestMessages: (take) => prisma.message.findMany({ orderBy: { id: 'desc' }, take }) as Promise<MessageRow[]>,
    putMessage: (message) => {
      const { id, endpointHash, ...update } = message;
      return prisma.message.upsert({ where: { id_endpointHash: { id, endpointHash } }, create: message, update });
    },
    updateStatus: async (id, status) =>
      (await prisma.message.updateMany({ where: { id }, data: { status } })).count > 0,
    newestRuns: (take) => prisma.run.findMany({ orderBy: { createdAt: 'desc' }, take }),
    createRun: (data) => prisma.run.create({ data }),
    tryRecordCall: (agentId, minute, max) =>
      prisma.$transaction(async (tx) => {
        const { _sum } = await tx.bucket.aggregate({
          where: { agentId, bucketMinute: { gte: minute - 60, lte: minute } },
          _sum: { count: true },
        });
        const used = _sum.count ?? 0;
        if (used < max) {
          await tx.bucket.upsert({
            where: { agentId_bucketMinute: { agentId, bucketMinute: minute } },
            create: { agentId, bucketMinute: minute, count: 1 },
            update: { count: { increment: 1 } },
          });
        }
        return checked(used, max);
      }),
    close: () => prisma.$disconnect(),
  };
};
