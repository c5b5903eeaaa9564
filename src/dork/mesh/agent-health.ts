import { InvalidInputError } from '../../engine/errors.ts';
import type { AgentRegistryEntry } from './entry.ts';

/** How recently an agent was seen. */
export type AgentHealthStatus = 'active' | 'inactive' | 'stale';

/** A registered agent, and when it was last seen. */
export interface AgentHealthEntry extends AgentRegistryEntry {
  /** ISO 8601 in UTC; null if it was never seen. */
  lastSeenAt: string | null;
  /** Its last action; null if it was never seen. */
  lastSeenEvent: string | null;
  healthStatus: AgentHealthStatus;
}

/** How many agents there are, by their health. */
export interface AggregateStats {
  totalAgents: number;
  activeCount: number;
  inactiveCount: number;
  staleCount: number;
}

/** An agent that was seen less than this many milliseconds ago is active. */
export const ACTIVE_MS = 5 * 60_000;

/** An agent that was seen less than this many milliseconds ago, and is not active, is inactive. */
export const INACTIVE_MS = 30 * 60_000;

/**
 * How recently an agent was seen: under 5 minutes ago is active, under 30 inactive, longer ago or never stale.
 *
 * @param lastSeenAt ISO 8601; other text counts as never.
 * @param now Unix milliseconds. Default: this instant.
 * @throws InvalidInputError if `now` is not a number.
 */
export function computeHealthStatus(
  lastSeenAt: string | null | undefined,
  now: number = Date.now(),
): AgentHealthStatus {
  if (typeof now !== 'number') throw new InvalidInputError('now', 'must be a number of milliseconds');
  if (typeof lastSeenAt !== 'string') return 'stale';
  const age = now - Date.parse(lastSeenAt);
  if (age < ACTIVE_MS) return 'active';
  return age < INACTIVE_MS ? 'inactive' : 'stale';
}
