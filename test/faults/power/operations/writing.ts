import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createDb, migrationStatus, prune } from '#entry';
import { closedHome, crashedHome, fileIn } from '../../homes.ts';
import { assertSoundOften } from '../../oracle.ts';
import { assertKeptAfterPower, assertTransactions, type Operation } from '../operation.ts';

const CREATE: Operation = {
  name: 'create',
  promise: 'A new file is opened or made again; one that was opened has its tables, and what its close made durable.',
  prepare: () => {},
  job: 'power-create',
  args: (home, logs) => ({ file: fileIn(home), logs }),
  judge: (home, told) => {
    const isThere = existsSync(fileIn(home));
    if (told.lines.some(({ created }) => created)) {
      assert.deepEqual(migrationStatus(fileIn(home)).pending, [], 'the tables of the new file are gone');
    }
    assertKeptAfterPower(home, told);
    return isThere ? 'a file' : 'no file';
  },
};

const WRITE: Operation = {
  name: 'write',
  promise: 'Every commit from before a checkpoint is there, of each transaction all or nothing.',
  prepare: (home) => closedHome(home, 12),
  job: 'power-write',
  args: (home, logs) => ({ file: fileIn(home), logs }),
  judge: (home, told) => {
    assertKeptAfterPower(home, told);
    return 'a file';
  },
};

const CLOSE: Operation = {
  name: 'close',
  promise: 'The close after a crash loses nothing of the -wal that it found.',
  prepare: (home, bench) => crashedHome(home, bench, 12, 8),
  job: 'power-close',
  args: (home) => ({ file: fileIn(home) }),
  judge: WRITE.judge,
};

const PRUNE: Operation = {
  name: 'prune',
  promise: 'Pruning deletes what it was told to or less, and nothing else.',
  prepare: (home) => {
    closedHome(home, 12);
    using db = createDb(fileIn(home));
    // Only what is of nobody goes: old spans, and buckets of a minute long ago.
    const span = db.$client.prepare(
      "INSERT INTO relay_traces (id, message_id, trace_id, span_id, subject, status, sent_at) VALUES (?, ?, 'old', ?, 'old', 'delivered', '2020-01-01T00:00:00.000Z')",
    );
    db.transaction(() => {
      for (let i = 0; i < 300; i++) span.run(`old-${i}`, `old-${i}`, `${i}`);
    });
  },
  job: 'power-prune',
  args: (home) => ({ file: fileIn(home) }),
  judge: async (home, told) => {
    using db = createDb(fileIn(home));
    assertSoundOften(db);
    const left = () =>
      Number(db.$client.prepare("SELECT count(*) FROM relay_traces WHERE trace_id = 'old'").values()[0]);
    const before = left();
    assertTransactions(db, home, told);
    await prune(db, { tracesOlderThan: '2021-01-01T00:00:00Z' });
    assert.equal(left(), 0);
    return before === 300 ? 'before' : 'after';
  },
};

export const WRITING = [CREATE, WRITE, CLOSE, PRUNE];
