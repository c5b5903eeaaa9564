import type { View } from './view.ts';
import { fileView } from './views/file.ts';
import { nowView } from './views/now.ts';

/** Returns the views of the engine with a host's own between them. */
export function engineViews(own: readonly View[]): View[] {
  return [nowView(), ...own, fileView];
}
