import type { Connection } from '../../engine/connection/connection.ts';

const OTHERS_PATH = 'project_path is that of another agent';

/** Which agent has a project path. */
export class AgentPaths {
  readonly #owner: (path: string) => string | undefined;
  /** The paths that a dry run would have written, by their agents. */
  readonly #planned = new Map<string, string>();
  readonly #isDryRun: boolean;

  constructor(connection: Connection, isDryRun: boolean) {
    const find = connection.prepare<{ id: string }>('SELECT id FROM main.agents WHERE project_path = ?');
    this.#owner = (path) => find.get(path)?.id;
    this.#isDryRun = isDryRun;
  }

  /** Returns the reason if another agent has the path. */
  problem(id: string, path: string): string | undefined {
    const owner = this.#owner(path) ?? this.#planned.get(path) ?? id;
    return owner === id ? undefined : OTHERS_PATH;
  }

  keep(id: string, path: string): void {
    if (this.#isDryRun) this.#planned.set(path, id);
  }
}
