/** A console that is served by the command, in a process of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Block } from '../../../src/engine/console/blocks.ts';
import { RUNTIME, type Runtime, runtimeCommand } from '../../support/runtime.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

export class Served implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly address: string;
  readonly port: number;
  /** The path of the page. */
  readonly base: string;
  /** The header of the cookie that the token becomes. */
  cookie = '';
  output = '';

  private constructor(child: ChildProcess, { address, port }: { address: string; port: number }) {
    this.child = child;
    this.address = address;
    this.port = port;
    this.base = new URL(address).pathname;
  }

  /** Starts the console of a command line and lets itself in. */
  static async start(
    script: string,
    file: string,
    { runtime = RUNTIME, args = [] }: { readonly runtime?: Runtime; readonly args?: readonly string[] } = {},
  ): Promise<Served> {
    const [command, path] = runtimeCommand(script, runtime);
    const child = spawn(command, [path, 'console', '--db', file, '--json', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stderr.on('data', (data) => {
      output += data;
    });
    const printed = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (data) => {
        output += data;
        if (output.includes('"filename"') && output.trimEnd().endsWith('}')) resolve(output);
      });
      child.on('close', (code) => reject(new Error(`exit ${code}: ${output}`)));
    });
    output = '';
    const served = new Served(child, JSON.parse(printed));
    child.stderr.on('data', () => {
      served.output = output;
    });
    const { headers } = await served.ask(new URL(served.address).pathname + new URL(served.address).search);
    served.cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? assert.fail('no cookie');
    return served;
  }

  /** Asks for a path, as it stands. */
  ask(path: string, { method = 'GET', headers = {} }: Asking = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false }, (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk) => {
          body += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** The blocks of a view, as the page gets them. */
  async view(name: string, params: Record<string, string> = {}): Promise<Block[]> {
    const query = new URLSearchParams({ ...params, view: name });
    const { status, body } = await this.ask(`${this.base}view?${query}`, { headers: { cookie: this.cookie } });
    assert.equal(status, 200, body);
    return JSON.parse(body);
  }

  /** Ends it as Ctrl-C does, and returns the exit code. */
  async end(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** The first block of a kind, and of a title if it is given. */
export function blockOf<K extends Block['kind']>(blocks: readonly Block[], kind: K, title?: string) {
  const found = blocks.find(
    (block) => block.kind === kind && (title === undefined || ('title' in block && block.title === title)),
  );
  return (found ?? assert.fail(`no ${kind} ${title ?? ''} in ${JSON.stringify(blocks).slice(0, 2000)}`)) as Extract<
    Block,
    { kind: K }
  >;
}
