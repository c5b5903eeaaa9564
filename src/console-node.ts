/** The console inside a program's own server, on Node. */
import { VIEWS } from './dork/console/views.ts';
import { dork } from './dork/db.ts';
import { type CreateConsoleHandler, consoleHandlerFor } from './engine/console/mount.ts';
import * as api from './node.ts';

export type { Block as ConsoleBlock } from './engine/console/blocks.ts';
export type { ConsoleHandler, ConsoleHandlerOptions, CreateConsoleHandler } from './engine/console/mount.ts';
export type { Look as ConsoleLook, View as ConsoleView } from './engine/console/view.ts';

/**
 * Returns a console to mount in a program's own server. It is imported from `@dorkos/db/console`.
 * See {@link CreateConsoleHandler}.
 */
export const consoleHandler: CreateConsoleHandler = consoleHandlerFor({ definition: dork, ...api }, VIEWS);
