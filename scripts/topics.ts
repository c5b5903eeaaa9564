/** The topics of the reference: which folder or file of src a name is from. The longest beginning decides. */
const TOPICS: Readonly<Record<string, string>> = {
  'src/dork/db.ts': 'Opening and closing',
  'src/dork/home.ts': 'Opening and closing',
  'src/engine/create-db.ts': 'Opening and closing',
  'src/engine/connection': 'Opening and closing',
  'src/engine/driver': 'Opening and closing',
  'src/engine/logger.ts': 'Opening and closing',
  'src/engine/file': 'Opening and closing',
  'src/dork/pulse': 'Pulse',
  'src/dork/relay': 'Relay',
  'src/dork/mesh': 'Mesh',
  'src/dork/figures': 'Figures',
  'src/dork/guard-domains.ts': 'Health and monitoring',
  'src/dork/health.ts': 'Health and monitoring',
  'src/engine/health': 'Health and monitoring',
  'src/engine/monitor': 'Health and monitoring',
  'src/engine/rows': 'Health and monitoring',
  'src/dork/legacy': 'Older DorkOS files',
  'src/dork/prune.ts': 'Maintenance',
  'src/engine/maintenance': 'Maintenance',
  'src/engine/backup': 'Backup and restore',
  'src/engine/file/copy-name.ts': 'Backup and restore',
  'src/engine/export': 'Export and import',
  'src/engine/migrate-db.ts': 'Migrations',
  'src/engine/migrations': 'Migrations',
  'src/engine/define-db.ts': 'Your own schema',
  'src/engine/definition.ts': 'Your own schema',
  'src/engine/cli': 'Your own command line',
  'src/console.ts': 'Console',
  'src/engine/console': 'Console',
  'src/engine/writer': 'Several machines',
  'src/engine/errors.ts': 'Errors',
  'src/stores': 'Ids',
};

/** Names that the entries bind to a driver, by the file that says what they do. */
const BOUND: Readonly<Record<string, string>> = {
  compact: 'Maintenance',
  createDb: 'Opening and closing',
  defineDb: 'Your own schema',
  importExport: 'Export and import',
  listBackups: 'Backup and restore',
  migrationStatus: 'Migrations',
  moveReleaseAside: 'Older DorkOS files',
  pruneBackups: 'Backup and restore',
  recover: 'Backup and restore',
  rehearseMigrations: 'Migrations',
  restore: 'Backup and restore',
  runMigrations: 'Migrations',
  verifyBackup: 'Backup and restore',
  writer: 'Several machines',
};

/**
 * Returns the topic of a public name.
 *
 * @param file Where it is declared, from the project's folder.
 * @throws Error if none fits: a new room needs a line above.
 */
export function topicOf(name: string, file: string): string {
  const place = Object.keys(TOPICS)
    .filter((each) => file === each || file.startsWith(`${each}/`))
    .sort((a, b) => b.length - a.length)[0];
  const topic = place === undefined ? BOUND[name] : TOPICS[place];
  if (topic === undefined) throw new Error(`scripts/topics.ts has no topic for ${name} of ${file}`);
  return topic;
}
