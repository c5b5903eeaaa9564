import type { ReadMetrics } from './metrics.ts';
import type { View } from './view.ts';
import { fileView } from './views/file.ts';
import { nowView } from './views/now.ts';

/**
 * Returns the engine's views with a host's own views between them.
 *
 * @param readMetrics Reads a server's own figures. Default: they are not shown.
 */
export function engineViews(own: readonly View[], readMetrics?: ReadMetrics): View[] {
  return [nowView(readMetrics), ...own, fileView];
}
