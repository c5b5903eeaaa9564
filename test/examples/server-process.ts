import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Runtime, runtimeCommand } from '../support/runtime.ts';

/** A server of examples/ in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  private constructor(child: ChildProcess, url: string, output: () => string) {
    this.#child = child;
    this.url = url;
    this.#output = output;
  }

  /** Starts the one of examples/bun-server with a DorkOS home of its own, and waits until it listens. */
  static async start(home: string): Promise<ServerProcess> {
    return await ServerProcess.run('examples/bun-server/main.ts', 'bun', { DORK_HOME: home });
  }

  /** Starts a script that prints ` on http://…` when it listens, and waits until it does. */
  static async run(path: string, runtime: Runtime, env: Record<string, string>): Promise<ServerProcess> {
    const [command, script] = runtimeCommand(path, runtime);
    const child = spawn(command, [script], { env: { ...process.env, ...env, PORT: '0' } });
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
