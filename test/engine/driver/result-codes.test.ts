import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RESULT_CODES, resultCode } from '../../../src/engine/driver/result-codes.ts';
import { ROOT } from '../../support/runtime.ts';

/** SQLite's own header, as better-sqlite3 ships it. */
const HEADER = join(ROOT, 'node_modules', 'better-sqlite3', 'deps', 'sqlite3', 'sqlite3.h');

describe('the names of result codes', () => {
  it('are those of SQLite’s header', () => {
    const header = readFileSync(HEADER, 'utf8');
    const codes = new Map<string, number>();
    const from = header.indexOf('#define SQLITE_OK ');
    const until = header.indexOf('CAPI3REF: Flags For File Open Operations');
    const part = header.slice(from, until);
    for (const [, name = '', value] of part.matchAll(/^#define (SQLITE_\w+)\s+(\d+) /gm))
      codes.set(name, Number(value));
    for (const [, name = '', of = '', n] of part.matchAll(
      /^#define (SQLITE_\w+)\s+\((SQLITE_\w+)\s*\|\s*\((\d+)<<8\)\)/gm,
    ))
      codes.set(name, (codes.get(of) ?? 0) + Number(n) * 256);
    // No errors: done, a row, and forms of OK.
    const others = [...codes].filter(([name, value]) => !/^SQLITE_(OK|ROW|DONE)/.test(name) && value > 0);
    assert.ok(others.length > 90);
    assert.deepEqual(
      Object.entries(RESULT_CODES).sort(([, a], [, b]) => (a < b ? -1 : 1)),
      others
        .map(([name, value]) => [String(value), name])
        .sort(([, a], [, b]) => ((a as string) < (b as string) ? -1 : 1)),
    );
  });

  it('are that of the primary code for an extended one that is not known', () => {
    assert.equal(resultCode(2067), 'SQLITE_CONSTRAINT_UNIQUE');
    assert.equal(resultCode(19 + 200 * 256), 'SQLITE_CONSTRAINT');
    assert.equal(resultCode(99), 'SQLITE_ERROR');
  });
});
