import {
  AgentRegistry,
  closeDb,
  createDb,
  type Db,
  DorkDbError,
  newId,
  type PulseSchedule,
  PulseStore,
  SqliteIndex,
} from '@dorkos/db';

/** What the panel of the plugin shows. */
export interface Panel {
  readonly driver: string;
  readonly schedules: PulseSchedule[];
  readonly agents: string[];
  /** Messages that wait at the endpoint of the vault. */
  readonly waiting: number;
}

/** What the plugin asks of its host. */
export interface Host {
  /** The folder that is open, absolute. */
  readonly vault: string;
  /** Shows a line to the person. */
  notice(text: string): void;
}

/**
 * A plugin of a Node or Electron host that works on the file of a server, while the server runs. It never migrates: the
 * server owns the schema, and a file that is newer or older than this plugin is refused before anything is read.
 */
export class DorkPlugin {
  readonly #host: Host;
  #db: Db | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** @param path Default: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`. */
  onload(path?: string): void {
    try {
      this.#db = createDb(path, { migrations: 'require', logger: { warn: (text) => this.#host.notice(text) } });
    } catch (error) {
      if (!(error instanceof DorkDbError)) throw error;
      this.#host.notice(`${error.message} ${error.hint}`);
      return;
    }
    this.#register(this.#db);
  }

  /** Undefined where the file could not be opened. */
  panel(): Panel | undefined {
    if (!this.#db) return undefined;
    return {
      driver: this.#db.$client.driver,
      schedules: new PulseStore(this.#db).getSchedules({ withNextRun: true }),
      agents: new AgentRegistry(this.#db).list().map(({ name }) => name),
      waiting: new SqliteIndex(this.#db).countNewByEndpoint(this.#host.vault),
    };
  }

  onunload(): void {
    if (this.#db) closeDb(this.#db);
    this.#db = undefined;
  }

  #register(db: Db): void {
    const agents = new AgentRegistry(db);
    const now = new Date().toISOString();
    const known = agents.getByPath(this.#host.vault);
    if (known) {
      agents.updateHealth(known.id, now, 'plugin_loaded');
      return;
    }
    agents.insert({
      id: newId(),
      name: 'vault',
      runtime: 'other',
      projectPath: this.#host.vault,
      registeredAt: now,
      registeredBy: 'node-plugin',
    });
  }
}
