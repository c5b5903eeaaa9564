/** The git hook, in a repository of its own: what it lets through and what it stops. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { BUN, ROOT } from '../support/runtime.ts';

const COPIED = ['.githooks', 'src', 'drizzle', 'scripts', 'drizzle.config.ts', 'package.json', 'tsconfig.json'];

describe('the hook before a commit', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  function git(...args: string[]) {
    return spawnSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', '-c', 'core.hooksPath=.githooks', ...args], {
      cwd: folder.path,
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: `${dirname(BUN)}:${process.env.PATH}`,
        GIT_DIR: undefined,
        GIT_INDEX_FILE: undefined,
      },
    });
  }
  const head = () => git('log', '--format=%s', '-1').stdout.trim();

  before(() => {
    folder = temporaryFolder();
    for (const name of COPIED) cpSync(join(ROOT, name), folder.file(name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), folder.file('node_modules'));
    git('init', '-q');
    git('add', ...COPIED);
    const { status, stderr } = git('commit', '-q', '-m', 'first');
    assert.equal(status, 0, stderr);
  });
  after(() => folder[Symbol.dispose]());

  it('lets a commit through that touches neither schema nor history, without a check', () => {
    appendFileSync(folder.file('src/public.ts'), '// more\n');
    const { status, stdout } = git('commit', '-q', '-a', '-m', 'elsewhere');
    assert.deepEqual([status, stdout], [0, '']);
    assert.equal(head(), 'elsewhere');
  });

  it('stops a schema that was changed without a migration, and says what to run', { timeout: 60_000 }, () => {
    appendFileSync(
      folder.file('src/dork/pulse/schema.ts'),
      "export const pulseNotes = sqliteTable('pulse_notes', { id: text('id').primaryKey() });\n",
    );
    const { status, stderr } = git('commit', '-q', '-a', '-m', 'without a migration');
    assert.equal(status, 1);
    assert.match(stderr, /bun run generate NAME/);
    assert.equal(head(), 'elsewhere');
  });

  it('wants the migration in the same commit, and lets both through', { timeout: 60_000 }, () => {
    const generated = spawnSync(BUN, ['scripts/generate.ts', 'pulse_notes'], { cwd: folder.path, encoding: 'utf8' });
    assert.equal(generated.status, 0, generated.stderr);
    const alone = git('commit', '-q', '-m', 'schema alone', 'src/dork/pulse/schema.ts');
    assert.equal(alone.status, 1);
    assert.match(alone.stderr, /not in the commit/);
    git('add', 'drizzle', 'src');
    const { status, stderr } = git('commit', '-q', '-m', 'with its migration');
    assert.equal(status, 0, stderr);
    assert.equal(head(), 'with its migration');
  });
});
