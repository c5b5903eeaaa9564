/** The domains without what opens their file: the entries of single domains hand on their part of it. */
export * from './mesh/index.ts';
export * from './pulse/index.ts';
export * from './relay/index.ts';
export * from './schema.ts';
