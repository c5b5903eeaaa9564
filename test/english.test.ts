import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Finding, findingsIn, HABITS, proseOf } from './support/english.ts';
import { proseOfMarkdown } from './support/markdown.ts';
import { ROOT } from './support/runtime.ts';

/** The rooms of src, with their subfolders; `/*` is the files of the folder only. */
const ROOMS: readonly string[] = ['src/*', 'src/cli', 'src/dork', 'src/engine', 'src/stores'];

/** The folders of documents, in the same form. */
const DOCUMENTS: readonly string[] = ['/*', 'docs', 'examples'];

/** A sentence for every habit, as a comment or as a string. */
const BAD: readonly string[] = [
  '/** What a patch comes to. */',
  '// Also for views.',
  '/** Undefined where the row has no name. */',
  '/** Builds the statement anew. */',
  '// The journal beside the file.',
  '/** The offset behind a comment. */',
  '// A lock lies in the folder.',
  '// The copy is put in place.',
  '/** Returns what the options\n * come to. */',
  "throw new Error('This file tells you nothing.');",
  '/** Returns the words, as `CREATE INDEX`. */',
  '// A fence is none.',
  "throw new InvalidInputError('keep', 'is not an integer');",
  'throw new Error(`needs a whole number of seconds`);',
  '// Rows that cannot be read.',
  '// Removes what was there.',
  "const message = 'This could not be found out.';",
  `const hint = \`Look at the owner of $\{path}.\`;`,
  '// Removes the wreckage of a crash.',
  '// In order, the first first.',
  "const hint = 'Keep it until you are content.';",
  '// The files thereof.',
];

/** Plain sentences, and code and SQL that only look like a habit. */
const GOOD: readonly string[] = [
  '/** Returns undefined if the row has no name. */',
  '// The folder where the copies are.',
  '/** Returns the place `where x is none`, see https://example.org/what/lies/beside */',
  '/**\n * Returns rows.\n *\n * ```ts\n * const told = where(anew);\n * ```\n */',
  'const sql = `SELECT a FROM b WHERE it lies beside`;',
  "const key = 'beside';",
  `const url = \`a$\{b}//anew\`;`,
  '// There is no file. It is no longer open, such as `a`.',
  '/** The WAL stands for write-ahead log. */',
];

function shown(file: string, findings: readonly Finding[]): string[] {
  return findings.map(({ line, habit, found }) => `${file}:${line}: "${found}" (${habit})`);
}

function findingsOf(text: string): Finding[] {
  return proseOf(text).flatMap(findingsIn);
}

function findingsOfDocument(text: string): Finding[] {
  return proseOfMarkdown(text).flatMap(findingsIn);
}

function filesOf(folder: string, ending = '.ts'): string[] {
  const isFlat = folder.endsWith('/*');
  const path = isFlat ? folder.slice(0, -2) : folder;
  return readdirSync(join(ROOT, path), { recursive: !isFlat, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.startsWith('api/'))
    .map((file) => (path === '' ? file : `${path}/${file}`))
    .sort();
}

describe('the English of comments, messages and documents', () => {
  for (const room of ROOMS)
    it(`is plain in ${room}`, () => {
      const files = filesOf(room);
      assert.ok(files.length > 0, `${room} has no files`);
      assert.deepEqual(
        files.flatMap((file) => shown(file, findingsOf(readFileSync(join(ROOT, file), 'utf8')))),
        [],
      );
    });

  for (const folder of DOCUMENTS)
    it(`is plain in the documents of ${folder}`, () => {
      const files = filesOf(folder, '.md');
      assert.ok(files.length > 0, `${folder} has no documents`);
      assert.deepEqual(
        files.flatMap((file) => shown(file, findingsOfDocument(readFileSync(join(ROOT, file), 'utf8')))),
        [],
      );
    });

  it('is read from each part of a document that is not code or a figure', () => {
    const bad = [
      'The journal\nbeside the file.',
      '- one\n- a file that\n  lies elsewhere',
      '1. Else the newest.',
      '## Beside each other',
      '| a | b |\n|---|---|\n| `x` | the file beside it |',
      '> **What** a copy needs [is told](x.md) here',
    ];
    for (const text of bad) assert.equal(findingsOfDocument(text).length > 0, true, text);
    const good = [
      '```sh\nls # beside\n```',
      '```ts\n// told\n```\n\nSee `beside` and [the file](beside.md), https://example.org/beside',
      '## What is kept',
      '| fault | rounds | met |\n| --- | --- | --- |\n| kill | 75 | 9 a link beside |\n| cut | 75 | |',
    ];
    for (const text of good) assert.deepEqual(shown('x.md', findingsOfDocument(text)), []);
  });

  for (const text of BAD) it(`is not ${text}`, () => assert.notDeepEqual(findingsOf(text), []));

  for (const text of GOOD) it(`may be ${text}`, () => assert.deepEqual(shown('x.ts', findingsOf(text)), []));

  it('has one sentence for an owner and permissions that do not fit', () => {
    const other = /\bowner(,| and)( the)? (mode|permissions)\b/i;
    const files = filesOf('src').filter((file) => file !== 'src/engine/hints.ts');
    const lines = files.flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\*|\/[/*])/.test(line) && other.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    assert.ok(files.length > 200);
    assert.deepEqual(lines, []);
  });

  it('is asked of every folder of src', () => {
    const rooms = new Set(ROOMS.flatMap((room) => filesOf(room)));
    assert.deepEqual(
      filesOf('src').filter((file) => !rooms.has(file)),
      [],
    );
  });

  it('has a bad sample for every habit', () => {
    const met = new Set(BAD.flatMap(findingsOf).map(({ habit }) => habit));
    assert.deepEqual(
      HABITS.map(({ name }) => name).filter((name) => !met.has(name)),
      [],
    );
  });

  it('is reported with its line', () => {
    const text =
      'const a = 1;\n\n/**\n * Returns a row.\n * Undefined where it\n * lies elsewhere.\n */\n// A\n// told secret.\n';
    assert.deepEqual(
      findingsOf(text).map(({ line, found }) => `${line} ${found}`),
      ['5 where', '6 lies', '9 told'],
    );
    const document = '# A\n\nA list:\n\n- a file that is\n  told\n- next\n\n| a | b |\n|---|---|\n| x | beside |\n';
    assert.deepEqual(
      findingsOfDocument(document).map(({ line, found }) => `${line} ${found}`),
      ['6 told', '11 beside'],
    );
  });
});
