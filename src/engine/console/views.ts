import type { ReadMetrics } from './metrics.ts';
import type { View } from './view.ts';
import { fileView } from './views/file.ts';
import { nowView } from './views/now.ts';

/**
 * Returns the views of the engine with a host's own between them.
 *
 * @param readMetrics Where a server shows its own figures. Default: they are not shown.
 */
export function engineViews(own: readonly View[], readMetrics?: ReadMetrics): View[] {
  return [nowView(readMetrics), ...own, fileView];
}
