/** Every table of dork.db. Drizzle-kit reads this file, and `createDb()` types its database with it. */
export * from './legacy/schema.ts';
export * from './mesh/schema.ts';
export * from './pulse/schema.ts';
export * from './relay/schema.ts';
