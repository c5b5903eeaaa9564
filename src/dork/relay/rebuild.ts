import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection } from '../../engine/connection/connection.ts';
import type { StoreDb } from '../../engine/connection/db.ts';
import { InvalidInputError } from '../../engine/errors.ts';
import { textArgument } from '../../engine/input.ts';
import { type OptionNames, objectArgument, optionsArgument } from '../../engine/options.ts';
import { type EnvelopeFacts, FOLDERS, type Folder, factsOf, type MaildirStore } from './maildir.ts';
import { RebuildStaging, type RowKey } from './rebuild-staging.ts';

/** The progress of a rebuild. */
export interface RebuildProgress {
  /**
   * `reading`: the files of every endpoint are read. `comparing`: the folders are listed again, to find changes since then.
   * `swapping`: the index is corrected in one transaction. `done`.
   */
  readonly phase: 'reading' | 'comparing' | 'swapping' | 'done';
  /** Endpoints finished in this phase. */
  readonly endpoints: number;
  readonly totalEndpoints: number;
  /** Messages read so far. */
  readonly messages: number;
  /** Files with an invalid envelope; their rows in the index are kept. Known from `comparing` on. */
  readonly skipped: number;
}

/** Options for `SqliteIndex.rebuild()`. */
export interface RebuildOptions {
  /** Called about every 1,024 files and at each step. An error that it throws ends the rebuild. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

const OPTIONS: OptionNames<RebuildOptions> = { onProgress: true };

/** Files that are read at a time: an envelope is read with its payload, which may be large. */
const READ_AT_ONCE = 16;

/** Files between two reports of the progress. */
const REPORTED_EVERY = 1024;

/** The last rebuild of each connection. The next rebuild begins when it has ended. */
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
      throw new InvalidInputError(`maildirStore.${method}`, 'must be a function');
  }
}

type Endpoint = readonly [hash: string, subject: string];

function checkedEndpoints(endpointHashes: ReadonlyMap<string, string>): Endpoint[] {
  // `instanceof` fails for a Map of another realm, e.g. of an Electron window.
  if (Object.prototype.toString.call(endpointHashes) !== '[object Map]')
    throw new InvalidInputError('endpointHashes', 'must be a Map');
  return [...endpointHashes].map(([hash, subject]) => [
    textArgument(hash, 'endpointHashes'),
    textArgument(subject, 'endpointHashes'),
  ]);
}

/** Returns true for a safe file name. The index may hold any text as an id, and a path must not leave the folder. */
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
  #unreported = 0;

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
    // The rows of the index are noted before a folder is listed, to detect rows that others write meanwhile.
    while (staging.noteIndexed()) await nextTurn();
    await this.#eachFolder('reading', (endpoint, folder, ids) => this.#read(staging, endpoint, folder, ids));
    // Other files may have been added, removed or moved during the read, so the folders are listed again, and only new
    // files are read. Changes between here and the swap may be missed until the next rebuild.
    staging.lookAgain();
    await this.#eachFolder('comparing', async (endpoint, folder, ids) => {
      for (let i = 0; i < ids.length; i += REPORTED_EVERY) {
        const unread = ids
          .slice(i, i + REPORTED_EVERY)
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
      this.#report();
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
      // Lets other work of the program run, even if the store reads its files synchronously.
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

  /** Reads a message's file from each folder, and from `new` twice: it may be moved back during the search. */
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
    // The file was moved or removed. The second listing finds it in its new folder.
    if (facts === null) return;
    if (facts === undefined) {
      staging.leaveAlone(key);
      if (this.#phase === 'comparing') this.#skipped++;
    } else {
      staging.stage(key, folder.status, facts);
      this.#messages++;
    }
    if (++this.#unreported >= REPORTED_EVERY) this.#report();
  }

  #begin(phase: RebuildProgress['phase']): void {
    this.#phase = phase;
    if (phase === 'reading' || phase === 'comparing') this.#endpointsDone = 0;
    this.#report();
  }

  #report(): void {
    this.#unreported = 0;
    this.#onProgress?.({
      phase: this.#phase,
      endpoints: this.#endpointsDone,
      totalEndpoints: this.#endpoints.length,
      messages: this.#messages,
      skipped: this.#skipped,
    });
  }
}
