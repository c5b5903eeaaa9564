import { createDb } from '#entry';

/** The user `nobody`, who owns nothing, and its group. */
export const NOBODY = 65534;

/** From here on this process is another user's. The driver is loaded before the rights to read it are gone. */
export function becomeUser(id: number): void {
  createDb(':memory:').$client.close();
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
}
