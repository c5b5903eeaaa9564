import type { Adapter } from '../driver/adapter.ts';

/**
 * Returns the code of the thread: plain JavaScript for a CommonJS scope. It is independent of its tasks: it opens
 * files, runs single statements, and hashes files.
 */
export function threadText({ thread }: Adapter): string {
  return `'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const driver = require(workerData.module);
const open = ${thread.open};
const databases = new Map();
const isAbandoned = () => Atomics.load(workerData.abandoned, 0) === 1;

const calls = {
  open({ id, filename, readonly, isClosed }) {
    databases.set(id, open(driver, filename, { readonly, isClosed }));
  },
  all({ id, sql, params }) {
    return databases.get(id).all(sql, params);
  },
  close({ id }) {
    databases.get(id).close();
    databases.delete(id);
  },
  sha256({ path }) {
    const { closeSync, openSync, readSync } = require('node:fs');
    const hash = require('node:crypto').createHash('sha256');
    const buffer = Buffer.allocUnsafe(1 << 20);
    const fd = openSync(path, 'r');
    try {
      for (let n; (n = readSync(fd, buffer, 0, buffer.length, null)) > 0; ) hash.update(buffer.subarray(0, n));
    } finally {
      closeSync(fd);
    }
    return hash.digest('hex');
  },
  stop() {
    for (const database of databases.values()) database.close();
    parentPort.close();
  },
};

parentPort.on('message', ({ call, name, ...argument }) => {
  if (isAbandoned() && name !== 'stop') return;
  try {
    parentPort.postMessage({ call, value: calls[name](argument) });
  } catch (error) {
    parentPort.postMessage({ call, error: { name: error.name, message: error.message, code: error.code, syscall: error.syscall } });
  }
});
parentPort.postMessage({ call: 0 });
`;
}
