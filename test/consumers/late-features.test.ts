/** What a runtime loads reads what most processes never call at the first call, from a file that may be gone by then. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as entryOfSources from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';

const ESBUILD = [join(ROOT, 'node_modules', '.bin', 'esbuild'), '--bundle', '--platform=node', '--log-level=error'];
const BUILDS = [
  { name: 'bun', entry: 'index.js', command: BUN, bundlers: [[BUN, 'build', '--target=bun']] },
  {
    name: 'node',
    entry: 'node.js',
    command: NODE,
    bundlers: [
      [...ESBUILD, '--format=esm', '--out-extension:.js=.mjs'],
      [...ESBUILD, '--format=cjs', '--out-extension:.js=.cjs'],
    ],
  },
];

for (const { name, entry, command, bundlers } of BUILDS)
  describe(`the features of the build for ${name}`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let built: string;

    beforeEach(() => {
      folder = temporaryFolder();
      built = folder.file(name);
      cpSync(join(ROOT, 'dist', name), built, { recursive: true });
      writeFileSync(join(built, 'package.json'), JSON.stringify({ type: 'module' }));
    });
    afterEach(() => folder[Symbol.dispose]());

    /** What a program prints that has the build as `db` and the path of a file as `file`. */
    function run(program: string): unknown {
      const script = folder.file('program.mjs');
      writeFileSync(
        script,
        `import * as db from './${name}/${entry}'; const file = ${JSON.stringify(folder.file('dork.db'))}; ${program}`,
      );
      return JSON.parse(execFileSync(command, [script], { encoding: 'utf8' }));
    }

    function removeFeatures(): void {
      const files = readdirSync(built).filter((name) => /^features-\w{8}\.js$/.test(name));
      assert.equal(files.length, 1);
      rmSync(join(built, files[0] as string));
    }

    it('are what the sources export, asynchronous where those are', async () => {
      const kindsOf = (entry: Record<string, unknown>) =>
        Object.entries(entry)
          .filter(([, value]) => typeof value === 'function')
          .map(([name, value]) => `${(value as object).constructor.name} ${name}`)
          .sort();
      assert.deepEqual(
        run(`const kindsOf = ${kindsOf}; console.log(JSON.stringify(kindsOf(db)))`),
        kindsOf(entryOfSources),
      );
    });

    it('are not needed to open a current file and to use the stores', () => {
      entryOfSources.createDb(folder.file('dork.db')).$client.close();
      removeFeatures();
      const read = run(`
      using opened = db.createDb(file);
      const index = new db.SqliteIndex(opened);
      index.insertMessage({ id: 'm', subject: 's', endpointHash: 'e' });
      const budget = new db.BudgetMapper(opened);
      budget.recordCall('a');
      new db.TraceStore(opened).insertSpan({ messageId: 'm', traceId: 't', subject: 's' });
      new db.DenialList(opened).deny('/x', 's', null, 'd');
      new db.AgentRegistry(opened).list();
      new db.PulseStore(opened).listRuns();
      console.log(JSON.stringify([index.getMessage('m').subject, budget.checkBudget('a', 5).remaining]))`);
      assert.deepEqual(read, ['s', 4]);
    });

    it('are all that the entry does not read when it is imported', () => {
      const code = readFileSync(join(built, entry), 'utf8');
      const chunks = [...code.matchAll(/"(\.\/chunks\/[^"]+)"/g)].map(([, path]) => join(built, path as string));
      assert.ok(chunks.length > 0);
      const sources = chunks.flatMap((path) =>
        [...readFileSync(path, 'utf8').matchAll(/^\/\/ src\/(\S+)$/gm)].map(([, file]) => file as string),
      );
      assert.ok(sources.includes('engine/create-db.ts'));
      const late = /^(engine\/(backup|copies|export|health|maintenance|migrations|monitor|rows|worker)|dork\/legacy)\//;
      const opening = ['engine/migrations/allow-loss.ts', 'engine/migrations/current.ts', 'engine/migrations/names.ts'];
      const read = sources.filter(
        (file) => late.test(file) && ![...opening, 'dork/legacy/recognise.ts', 'dork/legacy/schema.ts'].includes(file),
      );
      assert.deepEqual(read, []);
    });

    it('are found although a banner of a bundler has made a global require of another folder', () => {
      const read = run(`
      const { createRequire } = await import('node:module');
      globalThis.require = createRequire('/nowhere/');
      const opened = db.createDb(file);
      console.log(JSON.stringify(db.health(opened).filename === file))`);
      assert.equal(read, true);
    });

    it('are found in a program that is bundled into one file, wherever it is moved', () => {
      const program = folder.file('entry.mjs');
      writeFileSync(
        program,
        `import { createDb, health } from './${name}/${entry}';
       const db = createDb(process.argv[2]);
       console.log(JSON.stringify(health(db).findings.length > 5));`,
      );
      const moved = folder.file('moved');
      for (const bundler of bundlers) {
        const [tool = '', ...line] = bundler;
        execFileSync(tool, [...line, program, `--outdir=${moved}`], { encoding: 'utf8', stdio: 'pipe' });
      }
      rmSync(built, { recursive: true });
      const programs = readdirSync(moved).filter((file) => /js$/.test(file));
      assert.equal(programs.length, bundlers.length);
      for (const file of programs)
        assert.equal(
          execFileSync(command, [join(moved, file), folder.file('dork.db')], { encoding: 'utf8' }).trim(),
          'true',
          file,
        );
    });

    it('say that they are gone, and leave the database in use', () => {
      entryOfSources.createDb(folder.file('dork.db')).$client.close();
      removeFeatures();
      const codes = run(`
      const opened = db.createDb(file);
      const codes = [];
      const note = (error) => codes.push([error.name, error.code, error.hint, error instanceof db.DorkDbError]);
      try { db.health(opened) } catch (error) { note(error) }
      await db.verifyBackup(file).catch(note);
      await db.backup(opened).catch(note);
      new db.SqliteIndex(opened).insertMessage({ id: 'after', subject: 's', endpointHash: 'e' });
      db.closeDb(opened);
      console.log(JSON.stringify(codes))`);
      const gone = ['UnsupportedRuntimeError', 'PACKAGE_REPLACED', 'Start the process again.', true];
      assert.deepEqual(codes, [gone, gone, gone]);
      assert.deepEqual(readdirSync(folder.path).sort(), [name, 'dork.db', 'program.mjs'].sort());
    });
  });
