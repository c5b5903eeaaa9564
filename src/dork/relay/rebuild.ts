import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection } from '../../engine/connection/connection.ts';
import type { StoreDb } from '../../engine/connection/db.ts';
import { InvalidInputError } from '../../engine/errors.ts';
import { textArgument } from '../../engine/input.ts';
import { type OptionNames, objectArgument, optionsArgument } from '../../engine/options.ts';
import { type EnvelopeFacts, FOLDERS, type Folder, factsOf, type MaildirStore } from './maildir.ts';
import { RebuildStaging, type RowKey } from './rebuild-staging.ts';

/** How far a rebuild is. */
export interface RebuildProgress {
  /**
   * `reading` the files of every endpoint; `comparing` with what has come, gone or moved meanwhile; `swapping` what was
   * found in, as one transaction; `done`.
   */
  readonly phase: 'reading' | 'comparing' | 'swapping' | 'done';
  /** Endpoints that this phase is through with. */
  readonly endpoints: number;
  readonly totalEndpoints: number;
  /** Messages that were read until now. */
  readonly messages: number;
  /** Files whose envelope cannot be understood; what the index has of them stays. Known from `comparing` on. */
  readonly skipped: number;
}

/** What `SqliteIndex.rebuild()` takes. */
export interface RebuildOptions {
  /** Called every some files, and at each step; what it throws ends the rebuild. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

const OPTIONS: OptionNames<RebuildOptions> = { onProgress: true };

/** Files that are read at a time: an envelope comes with its payload, which may be large. */
const READ_AT_ONCE = 16;

/** Files between two tellings of the progress. */
const TOLD_EVERY = 1024;

/** The last rebuild of each connection: the next one begins when it has ended. */
const rebuilding = new WeakMap<Connection, Promise<unknown>>();

/** See `SqliteIndex.rebuild()`. */
export async function rebuildIndex(
  db: StoreDb,
  maildir: MaildirStore,
  endpointHashes: ReadonlyMap<string, string>,
  options: RebuildOptions,
): Promise<number> {
  const { onProgress } = optionsArgument(options, OPTIONS);
  checkMaildir(maildir);
  const endpoints = checkedEndpoints(endpointHashes);
  const before = rebuilding.get(db.$client);
  const rebuild = Promise.resolve(before)
    .catch(() => {})
    .then(() => new Rebuild(db, maildir, endpoints, onProgress).run());
  rebuilding.set(db.$client, rebuild);
  return rebuild;
}

const METHODS = ['listNew', 'listCurrent', 'listFailed', 'readEnvelope'] as const;

function checkMaildir(maildir: MaildirStore): void {
  for (const method of METHODS) {
    if (typeof objectArgument(maildir, 'maildirStore')[method] !== 'function')
      throw new InvalidInputError(`maildirStore.${method}`, 'is not a function');
  }
}

type Endpoint = readonly [hash: string, subject: string];

function checkedEndpoints(endpointHashes: ReadonlyMap<string, string>): Endpoint[] {
  // `instanceof` does not know the Map of another realm, as an Electron window is.
  if (Object.prototype.toString.call(endpointHashes) !== '[object Map]')
    throw new InvalidInputError('endpointHashes', 'is not a Map');
  return [...endpointHashes].map(([hash, subject]) => [
    textArgument(hash, 'endpointHashes'),
    textArgument(subject, 'endpointHashes'),
  ]);
}

/** The index may hold any text as an id; a store must not be led out of its folder by one. */
function isFileName(id: string): boolean {
  return id !== '' && id !== '.' && id !== '..' && !/[/\\\0]/.test(id);
}

class Rebuild {
  readonly #db: StoreDb;
  readonly #maildir: MaildirStore;
  readonly #endpoints: readonly Endpoint[];
  readonly #onProgress: RebuildOptions['onProgress'];
  #phase: RebuildProgress['phase'] = 'reading';
  #endpointsDone = 0;
  #messages = 0;
  #skipped = 0;
  #untold = 0;

  constructor(
    db: StoreDb,
    maildir: MaildirStore,
    endpoints: readonly Endpoint[],
    onProgress: RebuildOptions['onProgress'],
  ) {
    this.#db = db;
    this.#maildir = maildir;
    this.#endpoints = endpoints;
    this.#onProgress = onProgress;
  }

  async run(): Promise<number> {
    using staging = new RebuildStaging(this.#db);
    // What the index has is noted before a folder is listed: what differs at the end was written meanwhile.
    while (staging.noteIndexed()) await nextTurn();
    await this.#eachFolder('reading', (endpoint, folder, ids) => this.#read(staging, endpoint, folder, ids));
    // While the files were read, others came, went and moved: the folders are listed once more, and only what is
    // new in them is read. What comes and goes between here and the swap may stay in the index until the next rebuild.
    staging.lookAgain();
    await this.#eachFolder('comparing', async (endpoint, folder, ids) => {
      for (let i = 0; i < ids.length; i += TOLD_EVERY) {
        const unread = ids
          .slice(i, i + TOLD_EVERY)
          .filter((id) => !staging.confirm({ id, endpointHash: endpoint[0] }, folder.status));
        await this.#read(staging, endpoint, folder, unread);
        await nextTurn();
      }
    });
    let next = staging.settle();
    while (next) {
      await nextTurn();
      next = staging.settle(next);
    }
    await nextTurn();
    await this.#lookForDoubtful(staging);
    this.#begin('swapping');
    const found = staging.swap();
    this.#messages = found;
    this.#begin('done');
    return found;
  }

  async #eachFolder(
    phase: RebuildProgress['phase'],
    visit: (endpoint: Endpoint, folder: Folder, ids: readonly string[]) => Promise<void>,
  ): Promise<void> {
    this.#begin(phase);
    for (const endpoint of this.#endpoints) {
      for (const folder of FOLDERS) await visit(endpoint, folder, await this.#maildir[folder.list](endpoint[0]));
      this.#endpointsDone++;
      this.#tell();
    }
  }

  async #read(staging: RebuildStaging, endpoint: Endpoint, folder: Folder, ids: readonly string[]): Promise<void> {
    const [hash, subject] = endpoint;
    const factsFor = async (id: string): Promise<EnvelopeFacts | null | undefined> => {
      const envelope = await this.#maildir.readEnvelope(hash, folder.subdir, id);
      return envelope && factsOf(envelope, subject);
    };
    for (let i = 0; i < ids.length; i += READ_AT_ONCE) {
      const some = ids.slice(i, i + READ_AT_ONCE);
      const facts = await Promise.all(some.map(factsFor));
      for (const [k, id] of some.entries()) this.#take(staging, { id, endpointHash: hash }, folder, facts[k]);
      // What else waits for the runtime gets its turn, also where the files are read synchronously.
      await nextTurn();
    }
  }

  async #lookForDoubtful(staging: RebuildStaging): Promise<void> {
    const subjects = new Map(this.#endpoints);
    for (let some = staging.doubtful(); some.length > 0; some = staging.doubtful(some.at(-1))) {
      for (const key of some) {
        const subject = subjects.get(key.endpointHash);
        if (subject !== undefined && isFileName(key.id)) await this.#lookFor(staging, key, subject);
      }
      await nextTurn();
    }
  }

  /** In `new` twice: a message that is put back while it is looked for is met at least once. */
  async #lookFor(staging: RebuildStaging, key: RowKey, subject: string): Promise<void> {
    for (const folder of [...FOLDERS, ...FOLDERS.slice(0, 1)]) {
      const envelope = await this.#maildir.readEnvelope(key.endpointHash, folder.subdir, key.id);
      if (!envelope) continue;
      const facts = factsOf(envelope, subject);
      if (facts) staging.stage(key, folder.status, facts);
      else staging.leaveAlone(key);
      return;
    }
  }

  #take(staging: RebuildStaging, key: RowKey, folder: Folder, facts: EnvelopeFacts | null | undefined): void {
    // The file has moved on: the second listing finds it where it is then, or not at all.
    if (facts === null) return;
    if (facts === undefined) {
      staging.leaveAlone(key);
      if (this.#phase === 'comparing') this.#skipped++;
    } else {
      staging.stage(key, folder.status, facts);
      this.#messages++;
    }
    if (++this.#untold >= TOLD_EVERY) this.#tell();
  }

  #begin(phase: RebuildProgress['phase']): void {
    this.#phase = phase;
    if (phase === 'reading' || phase === 'comparing') this.#endpointsDone = 0;
    this.#tell();
  }

  #tell(): void {
    this.#untold = 0;
    this.#onProgress?.({
      phase: this.#phase,
      endpoints: this.#endpointsDone,
      totalEndpoints: this.#endpoints.length,
      messages: this.#messages,
      skipped: this.#skipped,
    });
  }
}
