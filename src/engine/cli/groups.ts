import type { Command } from './command.ts';

/** The groups of the engine's commands, in the order of the help. */
const GROUPS = ['Look', 'Copies', 'Space', 'Schema', 'Shell'] as const;

/** The group of a command that names none. */
const OTHERS = 'More';

/** Commands that belong together. */
export interface CommandGroup {
  readonly name: string;
  readonly commands: readonly Command[];
}

/** Returns the commands by group: the host's own first, then those of the engine. */
export function groupsOf(commands: readonly Command[]): CommandGroup[] {
  const groups = new Map<string, Command[]>();
  for (const command of commands) {
    const name = command.group ?? OTHERS;
    groups.set(name, [...(groups.get(name) ?? []), command]);
  }
  const rank = (name: string) => GROUPS.indexOf(name as (typeof GROUPS)[number]);
  return [...groups]
    .map(([name, each]) => ({ name, commands: each.sort((a, b) => a.name.localeCompare(b.name)) }))
    .sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}
