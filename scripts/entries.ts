/** Every public name, for the reference: those of `@dorkos/db`, which its other entries share, and of `@dorkos/db/console`. */
export * from '../src/console.ts';
export * from '../src/index.ts';
