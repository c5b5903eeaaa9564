/** The first view of the console in a terminal. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { defineDb } from '#entry';
import { blocksAsText } from '../../../src/engine/console/text.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { notesHistory, schema } from '../notes.ts';

function top(file: string, ...args: string[]) {
  const [command, script] = runtimeCommand('test/engine/cli/fixtures/notes-db.ts');
  return spawnSync(command, [script, 'top', '--db', file, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
}

describe(`top on ${RUNTIME}`, () => {
  it('shows the verdict, the -wal, who has the file open and its tables, and leaves nothing behind', () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    defineDb({ name: 'notes', schema, history: notesHistory() }).createDb(file).$client.close();
    const { status, stdout, stderr } = top(file);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^.*notes\.db\n\n✓ All is well\.\n[\s\S]*Size of the -wal\n[\s\S]*this console[\s\S]*\nnotes +0 /,
    );
    assert.equal(JSON.parse(top(file, '--json').stdout)[0].kind, 'verdict');
    assert.deepEqual(readdirSync(folder.path), ['notes.db']);
  });

  it('lets nothing of the file steer the terminal', () => {
    const hostile = '\u001B[2J x\u0007\u202Ey';
    const text = blocksAsText(
      [
        { kind: 'verdict', tone: 'error', text: hostile },
        { kind: 'table', title: hostile, columns: [{ name: hostile }], rows: [[hostile]] },
      ],
      (_, mark) => mark,
      (head, rows) => [head, ...rows].map((row) => row.join()).join('\n'),
    );
    assert.equal(text, '✕  x??y\n\n x??y\n x??y');
  });
});
