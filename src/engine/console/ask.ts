import { spawn } from 'node:child_process';
import type { Adapter } from '../driver/adapter.ts';
import type { Cell } from '../rows/cells.ts';
import { leadingWords, splitStatements } from '../sql/sql-text.ts';

/** The most rows of an answer. */
export const LIMIT_ROWS = 200;
/** After this time the process is ended. */
export const LIMIT_MS = 5000;

/** The most bytes of memory for SQLite in the answering process. */
const HEAP_BYTES = 256 * 2 ** 20;
/** The most characters of a cell. */
const CELL = 2048;

/** The most bytes of an answer; no more is read. */
const LIMIT_BYTES = 8 * 2 ** 20;

/** The rows of a statement, or why it was not run or failed. */
export type Answer =
  | { readonly problem: string }
  | {
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Cell[])[];
      readonly isCut: boolean;
      readonly durationMs: number;
      readonly bytes: number;
    };

const ALLOWED = ['SELECT', 'WITH', 'VALUES'];

/**
 * Runs one reading statement in a separate process, which is ended after a time limit: no driver can interrupt a running
 * statement. Ending the process loses nothing, since it can only read.
 */
export async function askOnce(adapter: Adapter, filename: string, sql: string): Promise<Answer> {
  const statements = splitStatements(sql);
  const [statement = ''] = statements;
  if (statements.length !== 1) return { problem: 'This is not one statement. Nothing was run.' };
  if (!ALLOWED.includes(leadingWords(statement, 1)[0] ?? ''))
    return { problem: 'Only SELECT, WITH … SELECT and VALUES are run. Nothing was run.' };
  const wrapped = `SELECT * FROM (\n${statement}\n) LIMIT ${LIMIT_ROWS + 1}`;
  return run(adapter, { filename, sql: wrapped, module: adapter.thread.module() });
}

interface Task {
  readonly filename: string;
  readonly sql: string;
  readonly module: string;
}

/** Runs the process. The task is passed on stdin: every user of the machine can read a process's arguments. */
function run(adapter: Adapter, task: Task): Promise<Answer> {
  const started = performance.now();
  const child = spawn(process.execPath, ['-e', scriptOf(adapter)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // With these variables, a compiled program and Electron run the script instead of themselves.
    env: { ...process.env, BUN_BE_BUN: '1', ELECTRON_RUN_AS_NODE: '1' },
  });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let problem: string | undefined;
    const end = (reason: string) => {
      problem ??= reason;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end(`It took longer than ${LIMIT_MS / 1000} seconds and was ended.`), LIMIT_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LIMIT_BYTES) end(`The answer has more than ${LIMIT_BYTES} bytes.`);
      else chunks.push(chunk);
    });
    child.on('error', () => end('The process that answers could not be started.'));
    child.on('close', () => {
      clearTimeout(timer);
      resolve(problem === undefined ? answerOf(Buffer.concat(chunks), performance.now() - started) : { problem });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(task));
  });
}

function answerOf(output: Buffer, durationMs: number): Answer {
  if (output.length === 0) return { problem: 'The process that answers ended without an answer.' };
  const answer = JSON.parse(output.toString()) as { problem: string } | { columns: string[]; rows: Cell[][] };
  if ('problem' in answer) return answer;
  const rows = answer.rows.slice(0, LIMIT_ROWS);
  return { columns: answer.columns, rows, isCut: answer.rows.length > LIMIT_ROWS, durationMs, bytes: output.length };
}

/** Returns the script of the process, in plain JavaScript. It imports nothing of this package, which may be bundled. */
function scriptOf({ thread }: Adapter): string {
  return `'use strict';
const { readFileSync, writeSync } = require('node:fs');
const { filename, sql, module: name } = JSON.parse(readFileSync(0, 'utf8'));
const open = ${thread.open};
const cut = (text) => (text.length > ${CELL} ? { text: text.slice(0, ${CELL}), isCut: true } : { text });
const cell = (value) => {
  if (value === null) return { type: 'null', text: '' };
  if (typeof value === 'string') return { type: 'text', bytes: Buffer.byteLength(value), ...cut(value) };
  if (typeof value === 'number' || typeof value === 'bigint')
    return { type: Number.isInteger(Number(value)) ? 'integer' : 'real', text: String(value) };
  return { type: 'blob', bytes: value.length, ...cut(Buffer.from(value.subarray(0, 64)).toString('hex')), ...(value.length > 64 && { isCut: true }) };
};
let answer;
try {
  const database = open(require(name), filename, { readonly: true, isClosed: false });
  for (const pragma of ['query_only = ON', 'trusted_schema = OFF', 'mmap_size = 0', 'temp_store = MEMORY', 'busy_timeout = 1000', 'hard_heap_limit = ${HEAP_BYTES}'])
    database.all('PRAGMA ' + pragma, []);
  const rows = database.all(sql, []);
  answer = { columns: Object.keys(rows[0] ?? {}), rows: rows.map((row) => Object.values(row).map(cell)) };
} catch (error) {
  answer = { problem: String(error && error.message) };
}
const text = Buffer.from(JSON.stringify(answer));
for (let at = 0; at < text.length; ) {
  try { at += writeSync(1, text, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
}
process.exit(0);`;
}
