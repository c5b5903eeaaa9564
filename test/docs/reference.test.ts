/** The reference: every public name has a comment, every number a unit, every function its errors; no link is broken. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type DeclarationReflection, ReflectionKind } from 'typedoc';
import { type Reference, writeReference } from '../../scripts/reference.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ROOT } from '../support/runtime.ts';
import { brokenLinks, markdownAtTop, markdownBelow } from './links.ts';

/** What throws nothing of its own: constructors of errors, plain computations, what is done when all is over. */
const THROWS_NOTHING = ['closeDb', 'defaultDbPath', 'guardDomains', 'newId', 'DorkDbError.toJSON'];

/** A name that says what is counted, or in what: `durationMs`, `freeBytes`, `activeCount`, `rows`, `busyWaits`. */
const SAYS_ITS_UNIT = /Ms|[bB]ytes|Count$|^count$|^pid$|s$|^total|HopsUsed$/;

describe('the reference', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let reference: Reference;
  let names: DeclarationReflection[];

  before(
    async () => {
      folder = temporaryFolder();
      reference = await writeReference(folder.file('api'));
      names = reference.project.children ?? [];
    },
    { timeout: 120_000 },
  );
  after(() => folder[Symbol.dispose]());

  /** A name, and the signatures of a function or of a type of functions. */
  function commentsOf(one: DeclarationReflection) {
    const type = one.type?.type === 'reflection' ? one.type.declaration.signatures : undefined;
    return [one, ...(one.signatures ?? []), ...(type ?? [])].flatMap(({ comment }) => comment ?? []);
  }
  const isDocumented = (one: DeclarationReflection) => commentsOf(one).some(({ summary }) => summary.length > 0);
  const throwsSomething = (one: DeclarationReflection) =>
    commentsOf(one).some(({ blockTags }) => blockTags.some(({ tag }) => tag === '@throws'));
  const own = ({ children = [] }: DeclarationReflection) => children.filter((child) => !child.inheritedFrom);

  it('is complete: TypeDoc has nothing to complain of, and there is a page for each name', () => {
    assert.deepEqual(reference.warnings, []);
    const pages = new Set(readdirSync(folder.file('api'), { recursive: true, encoding: 'utf8' }));
    assert.ok(names.length > 150);
    assert.ok(pages.has('Pulse/PulseStore.md') && pages.has('Backup_and_restore/backup.md'));
    assert.ok(names.some(({ name }) => name === 'consoleHandler') && pages.has('Console/CreateConsoleHandler.md'));
  });

  it('is sorted by topic, each name in one', () => {
    const text = readFileSync(folder.file('api/README.md'), 'utf8');
    const topics = [...text.matchAll(/^## (.+)$/gm)].map(([, topic]) => topic);
    for (const topic of ['Console', 'Backup and restore', 'Migrations', 'Several machines', 'Pulse'])
      assert.ok(topics.includes(topic));
    assert.ok(!topics.includes('Other'), 'names without a topic');
    assert.equal([...text.matchAll(/^- \[/gm)].length, names.length);
  });

  it('has a comment on every public name and every method', () => {
    const methods = names.flatMap((name) =>
      own(name)
        .filter(({ kind, name }) => kind === ReflectionKind.Method && !name.startsWith('['))
        .map((method) => [`${name.name}.${method.name}`, method] as const),
    );
    assert.ok(methods.length > 50);
    assert.deepEqual(
      [...names.map((name) => [name.name, name] as const), ...methods]
        .filter(([, one]) => !isDocumented(one))
        .map(([name]) => name),
      [],
    );
  });

  it('says the unit of every number, in its name or in a comment', () => {
    const numbers = names.flatMap((name) =>
      own(name)
        .filter(({ type }) => /^(null \| )?number( \| null)?$/.test(type?.toString() ?? ''))
        .map((child) => ({ name: `${name.name}.${child.name}`, child })),
    );
    assert.ok(numbers.length > 80);
    assert.deepEqual(
      numbers.filter(({ child }) => !child.comment && !SAYS_ITS_UNIT.test(child.name)).map(({ name }) => name),
      [],
    );
  });

  it('says which errors every function throws, a class for all of its methods', () => {
    const callables = names.flatMap((name) => {
      const isCallable =
        name.kind === ReflectionKind.Function || (name.type?.type === 'reflection' && name.type.declaration.signatures);
      if (isCallable) return [{ name: name.name, isTold: throwsSomething(name) }];
      if (name.kind !== ReflectionKind.Class) return [];
      return own(name)
        .filter(({ kind }) => kind === ReflectionKind.Method)
        .map((method) => ({
          name: `${name.name}.${method.name}`,
          isTold: throwsSomething(name) || throwsSomething(method),
        }));
    });
    assert.deepEqual(
      callables
        .filter(({ isTold }) => !isTold)
        .map(({ name }) => name)
        .sort(),
      THROWS_NOTHING.toSorted(),
    );
  });

  it('links to what is there, and so does the rest of the documentation', () => {
    const written = markdownBelow(folder.path, 'api').flatMap((file) => brokenLinks(folder.path, file));
    const files = [...markdownAtTop(ROOT), ...markdownBelow(ROOT, 'docs')];
    const ours = [...files, ...markdownBelow(ROOT, 'examples')].filter((file) => !file.startsWith('docs/api/'));
    assert.deepEqual([...written, ...ours.flatMap((file) => brokenLinks(ROOT, file))], []);
  });
});
