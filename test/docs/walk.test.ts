/** docs/your-schema.md from its beginning to its end, as a reader goes through it, on each runtime. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { assertBuilt } from '../support/built.ts';
import { COMPILER_OPTIONS, consumerProject, installCommand } from '../support/consumer-project.ts';
import { BUN, NODE, ROOT, type Runtime } from '../support/runtime.ts';
import { blocksBelow } from './code-blocks.ts';
import { fileOf } from './program.ts';

const DOCUMENT = 'docs/your-schema.md';
const blocks = blocksBelow(ROOT, [DOCUMENT], '.md');
const programs: Record<Runtime, string> = { bun: BUN, node: NODE };

for (const runtime of ['bun', 'node'] as const) {
  describe(`${DOCUMENT} on ${runtime}`, { timeout: 300_000 }, () => {
    before(assertBuilt);

    it('leads to a migrated file with all its rows, a backup and a health route', { timeout: 300_000 }, async () => {
      using project = consumerProject();
      const bin = installCommand(project, programs[runtime]);
      const env = { ...process.env, PATH: `${bin}:${dirname(NODE)}:${process.env.PATH}`, NO_COLOR: '1' };
      let output = '';
      for (const block of blocks) {
        const file = fileOf(block);
        if (file !== undefined) writeFileSync(project.file(file), block.code);
        if (block.language !== 'sh' || block.words[0] !== 'walk') continue;
        const script = block.code.replaceAll(/^bunx /gm, '').replaceAll(/^bun /gm, `'${programs[runtime]}' `);
        const args = ['-euo', 'pipefail', '-c', script];
        const { status, stdout, stderr } = spawnSync('bash', args, { cwd: project.path, encoding: 'utf8', env });
        assert.equal(status, 0, `${DOCUMENT}:${block.line}\n${stdout}${stderr}`);
        output += stdout;
      }
      assert.match(readFileSync(project.file('drizzle/0001_optional_titles.sql'), 'utf8'), /DROP TABLE `notes`/);
      assert.match(output, /title: ['"]Shopping['"]/);
      assert.match(output, /\nnote_tags +2 /, 'the rows that refer to the rebuilt table are there');
      assert.match(output, /table +rows before +after\n/);
      assert.deepEqual(
        readdirSync(project.file('backups'))
          .map((name) => name.replace(/-\d{8}T\d{9}Z/, ''))
          .sort(),
        ['notes-backup-before-optional-titles.db', 'notes-pre-migration-0000_create_notes.db'],
      );

      const server = spawn(programs[runtime], ['server.ts'], { cwd: project.path, env: { ...env, PORT: '0' } });
      const [printed] = (await once(server.stdout, 'data')) as [Buffer];
      const port = /port: (\d+)/.exec(String(printed))?.[1];
      const response = await fetch(`http://127.0.0.1:${port}/health`);
      assert.equal(response.status, 200);
      const { findings } = (await response.json()) as { findings: { check: string }[] };
      assert.ok(
        findings.some(({ check }) => check === 'migrations'),
        JSON.stringify(findings),
      );
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
      assert.ok(!readdirSync(project.path).includes('notes.db-wal'));
    });
  });
}

it(`${DOCUMENT} compiles, file by file`, { timeout: 120_000 }, () => {
  using project = consumerProject();
  for (const block of blocks) {
    const file = fileOf(block);
    if (file !== undefined) writeFileSync(project.file(file), block.code);
  }
  const { status, stderr } = spawnSync(BUN, [join(ROOT, 'src', 'cli', 'main.ts'), 'generate', 'create_notes'], {
    cwd: project.path,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  spawnSync(BUN, [join(ROOT, 'src', 'cli', 'main.ts'), 'embed'], { cwd: project.path });
  writeFileSync(
    project.file('tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] }),
  );
  const compiled = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', '.'], {
    cwd: project.path,
    encoding: 'utf8',
  });
  assert.equal(compiled.status, 0, compiled.stdout);
});
