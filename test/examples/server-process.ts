import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { BUN, runtimeCommand } from '../support/runtime.ts';

/** The server of examples/bun-server in a process of its own, with a DorkOS home of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  private constructor(child: ChildProcess, url: string, output: () => string) {
    this.#child = child;
    this.url = url;
    this.#output = output;
  }

  /** Starts it and waits until it listens. */
  static async start(home: string): Promise<ServerProcess> {
    const [, script] = runtimeCommand('examples/bun-server/main.ts');
    const child = spawn(BUN, [script], { env: { ...process.env, DORK_HOME: home, PORT: '0' } });
    let output = '';
    child.stderr.on('data', (chunk) => (output += chunk));
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        output += chunk;
        const listening = / on (http:\S+)\n/.exec(output);
        if (listening?.[1]) resolve(listening[1].replace(/\/$/, ''));
      });
      child.on('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
    });
    return new ServerProcess(child, url, () => output);
  }

  /** Everything that it has printed. */
  get output(): string {
    return this.#output();
  }

  /** Sends a request; a body goes as JSON. */
  async request(method: string, path: string, body?: unknown): Promise<Response> {
    return await fetch(this.url + path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  }

  /** The JSON of an answer with a status of 2xx. */
  async json<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.request(method, path, body);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill(signal);
      await exited;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
