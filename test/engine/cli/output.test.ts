import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatDuration, formatRows } from '../../../src/engine/cli/output.ts';
import { barLine } from '../../../src/engine/cli/progress.ts';
import { columnsOf, isCommand, wrapped } from '../../../src/engine/cli/wrap.ts';

describe('a duration', () => {
  it('never shows sixty seconds or a thousand milliseconds', () => {
    const shown = [0.4, 999.4, 999.6, 1500, 59_949, 59_960, 119_600, 200_000].map(formatDuration);
    assert.deepEqual(shown, ['0 ms', '999 ms', '1.0 s', '1.5 s', '59.9 s', '1 min 0 s', '2 min 0 s', '3 min 20 s']);
  });
});

describe('a text on a terminal', () => {
  const text = [
    'The database /tmp/a/very/long/path/that/no/terminal/of/forty/columns/holds/dork.db has one row.',
    'ok       a finding whose fact is longer than the terminal is wide',
    '         Try: something that is longer than the terminal is wide, too',
    '\u001b[33mwarning\u001b[39m  colors have no width of their own here',
    'short',
  ].join('\n');

  it('is broken at blanks, under its first word, and words stay whole', () => {
    const lines = wrapped(text, 40).split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      'The database',
      '/tmp/a/very/long/path/that/no/terminal/of/forty/columns/holds/dork.db',
      'has one row.',
    ]);
    assert.deepEqual(lines.slice(3, 5), [
      'ok       a finding whose fact is longer',
      '         than the terminal is wide',
    ]);
    assert.deepEqual(lines.slice(5, 8), [
      '         Try: something that is longer',
      '              than the terminal is wide,',
      '              too',
    ]);
    assert.ok(lines.filter((line) => !line.startsWith('/')).every((line) => columnsOf(line) <= 40));
    assert.equal(wrapped(text, 40).replaceAll(/\s+/g, ' '), text.replaceAll(/\s+/g, ' '));
  });

  it('can be copied if it is a command: broken with backslashes, with the value of an option on its line', () => {
    const command = "To use it: notes-db restore '/tmp/my notes/a backup.db' --db '/tmp/my notes/notes.db' --yes";
    assert.deepEqual(wrapped(command, 50).split('\n'), [
      'To use it: notes-db restore \\',
      "    '/tmp/my notes/a backup.db' \\",
      "    --db '/tmp/my notes/notes.db' --yes",
    ]);
    for (const sentence of [
      'notes-db migrate creates it; or give another path with --db.',
      'Stop it, then run notes-db doctor.',
    ])
      assert.equal(isCommand(sentence), false, sentence);
    for (const typed of ["chmod 700 '/tmp/a b'", "notes-db backup --db '/tmp/notes.db'", 'echo x > file.json'])
      assert.equal(isCommand(typed), true, typed);
    assert.ok(!wrapped('Try: notes-db doctor --quick reads every page; --deep compares all of it.', 50).includes('\\'));
  });

  it('hangs below the mark of a finding', () => {
    assert.equal(wrapped('▲ a finding that is longer than it', 20), '▲ a finding that is\n  longer than it');
  });

  it('is left alone where it fits', () => {
    assert.equal(wrapped(text, 200), text);
  });

  it('names tables without rows by their number, unless all are wanted', () => {
    const rows = { notes: 1200, tags: 0, links: 0 };
    assert.equal(formatRows(rows), 'table   rows\nnotes  1,200\n2 tables without rows (--all lists them).');
    assert.equal(formatRows(rows, true).split('\n').length, 4);
    assert.equal(formatRows({ a: 0 }), '1 table without rows (--all lists them).');
  });
});

describe('the line of a progress bar', () => {
  it('fits the terminal: without the bar, and then without its last words', () => {
    const place = { label: '0005_relay_endpoint_rows', shown: 'step 3 of 17: INSERT relay_index' };
    assert.equal(barLine(place, 0.5), `${place.label} [==========----------] ${place.shown}`);
    assert.equal(barLine(place, 0.5, 70), `${place.label}: ${place.shown}`);
    assert.equal(barLine(place, 0.5, 40), '0005_relay_endpoint_rows: step 3 of…');
  });
});
