/** The first view of the console in a terminal. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
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

  it('fits any terminal, goes on when the file is no database or another one, and gives the screen back', {
    skip: process.platform !== 'linux',
    timeout: 240_000,
  }, async () => {
    using folder = temporaryFolder();
    const kit = defineDb({ name: 'notes', schema, history: notesHistory() });
    const file = folder.file('notes.db');
    kit.createDb(file).$client.close();
    for (const [columns, rows] of [
      [80, 24],
      [40, 10],
    ] as const) {
      const [command, script] = runtimeCommand('test/engine/cli/fixtures/notes-db.ts');
      const line = `stty cols ${columns} rows ${rows}; exec '${command}' '${script}' top --db '${file}'`;
      const terminal = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      terminal.stdout.on('data', (data) => {
        output += data;
      });
      const screen = () => stripVTControlCharacters(output.split('\u001B[H').at(-1) ?? '').replaceAll('\r', '');
      const until = async (what: RegExp) => {
        for (let i = 0; !what.test(screen()); i++) {
          assert.ok(i < 1000 && terminal.exitCode === null, `${what}: ${screen()}`);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      try {
        await until(/✓ All is well\.[\s\S]*more lines?\n$/);
        const lines = screen().split('\n');
        assert.ok(lines.length <= rows, `${lines.length} lines`);
        assert.ok(
          lines.every((each) => each.length <= columns),
          screen(),
        );
        writeFileSync(folder.file('other'), 'not a database, and longer than a header of one is, by far'.repeat(100));
        renameSync(folder.file('other'), file);
        await until(/✕ /);
        rmSync(file);
        for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
        kit.createDb(file).$client.close();
        await until(/✓ /);
        terminal.stdin.write('\u0003');
        assert.deepEqual(await once(terminal, 'close'), [0, null]);
        assert.ok(output.endsWith('\u001B[?25h\u001B[?1049l'), JSON.stringify(output.slice(-100)));
      } finally {
        terminal.kill();
      }
    }
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
