/** What an editor shows of the published types: a hover and the help at an open bracket, from TypeScript's own service. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import * as drizzle from 'drizzle-orm';
import ts from 'typescript';
import * as entry from '#entry';
import { assertBuilt } from '../support/built.ts';
import { COMPILER_OPTIONS, consumerProject } from '../support/consumer-project.ts';

const isClass = (value: unknown) => /^class\b/.test(Function.prototype.toString.call(value));
/** Without what is handed on from Drizzle, which documents its own. */
const callables = Object.entries(entry).filter(([name, value]) => typeof value === 'function' && !(name in drizzle));
const functions = callables.filter(([, value]) => !isClass(value)).map(([name]) => name);
const STORES = ['PulseStore', 'SqliteIndex', 'TraceStore', 'AgentRegistry', 'DenialList', 'BudgetMapper'];

/** Objects whose methods are called, by an expression for one. */
const OBJECTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(STORES.map((name) => [name, `new db.${name}(opened)`])),
  Db: 'opened',
  Connection: 'opened.$client',
  Statement: "opened.$client.prepare('SELECT 1')",
  DefinedDb: 'defined',
  Monitor: 'db.monitor(opened)',
};

const HEAD = `import * as db from '@dorkos/db';
const opened = db.createDb();
const defined = db.defineDb({ name: 'x', schema: {}, history: { migrations: [] } });
`;

interface Shown {
  readonly name: string;
  readonly hover: string;
  readonly help: string;
  readonly parameters: readonly string[];
}

/** Asks the language service about calls, one a line: `db.backup(`. */
function shownAt(calls: readonly { name: string; call: string }[]): Shown[] {
  using project = consumerProject();
  const file = project.file('main.ts');
  const text = HEAD + calls.map(({ call }) => `${call});\n`).join('');
  writeFileSync(file, text);
  const service = serviceFor(file);
  let at = HEAD.length;
  return calls.map(({ name, call }) => {
    const bracket = at + call.length;
    at = bracket + ');\n'.length;
    const hover = service.getQuickInfoAtPosition(file, bracket - 2);
    const help = service.getSignatureHelpItems(file, bracket, undefined);
    const items = help?.items ?? [];
    return {
      name,
      hover: ts.displayPartsToString(hover?.documentation),
      help: items.map((item) => ts.displayPartsToString(item.documentation)).join('\n'),
      parameters: items.flatMap((item) => item.parameters.map((parameter) => parameter.name)),
    };
  });
}

function serviceFor(file: string): ts.LanguageService {
  const options: ts.CompilerOptions = {
    ...ts.convertCompilerOptionsFromJson(COMPILER_OPTIONS, '.').options,
    types: [],
    lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts'],
  };
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) =>
      ts.sys.fileExists(name) ? ts.ScriptSnapshot.fromString(readFileSync(name, 'utf8')) : undefined,
    getCurrentDirectory: () => ts.sys.getCurrentDirectory(),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  };
  return ts.createLanguageService(host);
}

/** The methods that the package itself declares on an object; Drizzle documents its own. */
function methodsOf(objects: Readonly<Record<string, string>>): { name: string; call: string }[] {
  using project = consumerProject();
  const file = project.file('main.ts');
  const entries = Object.entries(objects);
  writeFileSync(file, HEAD + entries.map(([, expression], i) => `const object${i} = ${expression};\n`).join(''));
  const program = serviceFor(file).getProgram();
  assert.ok(program);
  const checker = program.getTypeChecker();
  const found: { name: string; call: string }[] = [];
  ts.forEachChild(program.getSourceFile(file) as ts.SourceFile, (node) => {
    const declaration = ts.isVariableStatement(node) ? node.declarationList.declarations[0] : undefined;
    const at = /^object(\d+)$/.exec(declaration?.name.getText() ?? '')?.[1];
    const [object, expression] = entries[Number(at)] ?? [];
    if (!declaration || !object) return;
    const type = checker.getTypeAtLocation(declaration);
    assert.equal(type.flags & ts.TypeFlags.Any, 0, `${object} has no type`);
    for (const property of type.getProperties()) {
      const { name } = property;
      const isOurs = property.declarations?.some((each) => !/drizzle-orm|\/lib\./.test(each.getSourceFile().fileName));
      const isCalled = checker.getTypeOfSymbol(property).getCallSignatures().length > 0;
      if (isOurs && isCalled && /^\w+$/.test(name))
        found.push({ name: `${object}.${name}`, call: `(${expression}).${name}(` });
    }
  });
  return found;
}

function assertShown(all: readonly Shown[]): void {
  const lacking = (text: string) => text.trim().length < 10 || /\bas \W?\w+\W? says\b/.test(text);
  assert.deepEqual(
    all.filter(({ hover }) => lacking(hover)).map(({ name, hover }) => `${name}: ${hover}`),
    [],
    'a hover without words',
  );
  assert.deepEqual(
    all.filter(({ help }) => lacking(help)).map(({ name, help }) => `${name}: ${help}`),
    [],
    'help at the bracket without words',
  );
  assert.deepEqual(
    all
      .filter(({ parameters }) => parameters.some((name) => /^(args?|arg\d|_.*|)$/.test(name)))
      .map(({ name }) => name),
    [],
    'parameters without a name',
  );
}

describe('an editor', { timeout: 120_000 }, () => {
  before(assertBuilt);

  it('shows what each function does, at its name and at its bracket', () => {
    assert.ok(functions.length > 30);
    assertShown(shownAt(functions.map((name) => ({ name, call: `db.${name}(` }))));
  });

  it('shows what each method of the stores, of a Db and of a defined database does', () => {
    const methods = methodsOf(OBJECTS);
    for (const object of Object.keys(OBJECTS))
      assert.ok(
        methods.some(({ name }) => name.startsWith(`${object}.`)),
        object,
      );
    assert.ok(methods.length > 90, String(methods.length));
    assertShown(shownAt(methods));
  });

  it('shows what each store and error is where one is made', () => {
    const classes = callables.filter(([, value]) => isClass(value)).map(([name]) => name);
    assert.ok(classes.length > STORES.length);
    const hovers = shownAt(classes.map((name) => ({ name, call: `new db.${name}(` })));
    assert.deepEqual(
      hovers.filter(({ hover }) => hover.length < 10).map(({ name }) => name),
      [],
    );
  });
});
