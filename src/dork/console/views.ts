import type { View } from '../../engine/console/view.ts';
import { agentsView } from './agents.ts';
import { messagesView } from './messages.ts';
import { runsView } from './runs.ts';
import { tracesView } from './traces.ts';

/** DorkOS's views, shown between the engine's own views. */
export const VIEWS: readonly View[] = [runsView, messagesView, tracesView, agentsView];
