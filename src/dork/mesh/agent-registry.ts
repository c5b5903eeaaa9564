import type { StoreDb } from '../../engine/connection/db.ts';
import { InvalidInputError } from '../../engine/errors.ts';
import { checked, proseArgument, textArgument } from '../../engine/input.ts';
import { type OptionNames, optionsArgument } from '../../engine/options.ts';
import { instant, now } from '../../engine/time.ts';
import type { StoreStatement } from '../../stores/statements.ts';
import { ACTIVE_MS, type AgentHealthEntry, type AggregateStats, INACTIVE_MS } from './agent-health.ts';
import { agentStatements, ENTRY_COLUMNS } from './agent-statements.ts';
import {
  type AgentEntryInput,
  type AgentListFilters,
  type AgentPatch,
  type AgentRegistryEntry,
  listFilters,
} from './entry.ts';
import { entryOf, healthEntryOf, mergedExtra, storedEntry, storedPatch } from './entry-row.ts';

/**
 * The agents that are registered, one a project, and when each was last seen.
 *
 * Every call is synchronous; one that reads and then writes is one immediate transaction. An id that is not there gives
 * undefined or false.
 *
 * @throws InvalidInputError from every method for an argument that cannot be; nothing is written.
 * @throws DatabaseBusyError if another connection kept the lock, ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const registry = new AgentRegistry(db);
 * const id = newId();
 * registry.insert({ id, name: 'backend', runtime: 'claude-code', projectPath: '/projects/backend',
 *   registeredAt: new Date().toISOString(), registeredBy: 'mesh', color: 'blue' });
 * registry.updateHealth(id, new Date().toISOString(), 'message_sent');
 * registry.getWithHealth(id)?.healthStatus; // 'active'
 * ```
 */
export class AgentRegistry {
  readonly #db: StoreDb;
  readonly #statements: ReturnType<typeof agentStatements>;

  constructor(db: StoreDb) {
    this.#db = db;
    this.#statements = agentStatements(db);
  }

  /**
   * Registers an agent. What is inserted comes back equal, the keys that this package does not know included; a key
   * that is undefined counts as absent. Half an emoji becomes U+FFFD in `name`, `description` and `registeredBy`.
   *
   * @throws ConstraintError of kind `unique` if the id or the project path is taken.
   * @throws InvalidInputError that names the field, e.g. `budget.maxCallsPerHour`.
   */
  insert<T extends AgentEntryInput>(entry: T): void {
    const { columns, extra } = storedEntry(entry);
    const row = { status: 'active', ...columns, manifestExtraJson: extra && JSON.stringify(extra) };
    this.#statements.insert.run(...ENTRY_COLUMNS.map((name) => row[name]), now());
  }

  /** One agent. */
  get(id: string): AgentRegistryEntry | undefined {
    const row = this.#statements.entries.byId.get(textArgument(id, 'id'));
    return row && entryOf(row);
  }

  /** The agent of a project, by the path as it was inserted. */
  getByPath(projectPath: string): AgentRegistryEntry | undefined {
    const row = this.#statements.entries.byPath.get(textArgument(projectPath, 'projectPath'));
    return row && entryOf(row);
  }

  /** Agents, newest registration first. */
  list(filters: AgentListFilters = {}): AgentRegistryEntry[] {
    return filtered(this.#statements.entries, filters).map(entryOf);
  }

  /** The agents of a namespace, newest registration first. */
  listByNamespace(namespace: string): AgentRegistryEntry[] {
    return this.#statements.entries.ofNamespace.all(textArgument(namespace, 'namespace')).map(entryOf);
  }

  /**
   * Changes an agent. A patch without keys changes nothing.
   *
   * @returns Whether there is such an agent.
   * @throws ConstraintError of kind `unique` if the new project path is taken.
   * @throws InvalidInputError that names the field; the id cannot be changed.
   */
  update(id: string, patch: AgentPatch): boolean {
    const key = textArgument(id, 'id');
    const { columns, extra } = storedPatch(patch);
    if (columns.id !== undefined && columns.id !== key) throw new InvalidInputError('id', 'cannot be changed');
    if (extra === undefined) return this.#write(key, columns);
    return this.#db.$client.runTransaction(() => {
      const stored = this.#statements.extra.get(key);
      if (!stored) return false;
      return this.#write(key, { ...columns, manifestExtraJson: mergedExtra(stored.text, extra) });
    });
  }

  #write(id: string, columns: object): boolean {
    const { statement, values } = this.#statements.patch.for(columns);
    if (!statement) return this.#statements.extra.get(id) !== undefined;
    return statement.run(...values, now(), id).changes > 0;
  }

  /** Removes an agent. Returns true if there was one. */
  remove(id: string): boolean {
    return this.#statements.delete.run(textArgument(id, 'id')).changes > 0;
  }

  /**
   * Notes that an agent was seen. Its `updated_at` stays: that is when it was last changed.
   *
   * @param lastSeenAt ISO 8601 with a time zone, or Unix milliseconds.
   * @param event What it did.
   */
  updateHealth(id: string, lastSeenAt: string | number, event: string): boolean {
    const at = instant(lastSeenAt, 'lastSeenAt');
    return this.#statements.seen.run(at, proseArgument(event, 'event'), textArgument(id, 'id')).changes > 0;
  }

  /** An agent with its health at this instant. */
  getWithHealth(id: string): AgentHealthEntry | undefined {
    const row = this.#statements.health.byId.get(textArgument(id, 'id'));
    return row && healthEntryOf(row, Date.now());
  }

  /** Agents with their health at this instant, newest registration first. */
  listWithHealth(filters: AgentListFilters = {}): AgentHealthEntry[] {
    const at = Date.now();
    return filtered(this.#statements.health, filters).map((row) => healthEntryOf(row, at));
  }

  /** How many agents there are, by their health at this instant. */
  getAggregateStats(): AggregateStats {
    const at = Date.now();
    const bound = (age: number) => new Date(at - age).toISOString();
    const counts = this.#statements.stats.get(bound(ACTIVE_MS), bound(INACTIVE_MS));
    const { total, active, recent } = counts ?? { total: 0, active: 0, recent: 0 };
    return { totalAgents: total, activeCount: active, inactiveCount: recent - active, staleCount: total - recent };
  }

  /** Does nothing: the database is closed by whoever opened it. */
  close(): void {}
}

/** The statements that list agents. */
interface Listing<T> {
  readonly all: StoreStatement<T>;
  readonly ofRuntime: StoreStatement<T>;
  readonly withCapability: StoreStatement<T>;
  readonly ofRuntimeWithCapability: StoreStatement<T>;
}

const FILTERS: OptionNames<AgentListFilters> = { runtime: true, capability: true };

function filtered<T>(listing: Listing<T>, filters: AgentListFilters): T[] {
  const { runtime, capability } = checked(listFilters(), optionsArgument(filters, FILTERS, 'filters'), 'filters');
  if (!runtime) return capability ? listing.withCapability.all(capability) : listing.all.all();
  return capability ? listing.ofRuntimeWithCapability.all(runtime, capability) : listing.ofRuntime.all(runtime);
}
