export {
  type AgentHealthEntry,
  type AgentHealthStatus,
  type AggregateStats,
  computeHealthStatus,
} from './agent-health.ts';
export { AgentRegistry } from './agent-registry.ts';
export { type BudgetAllowed, type BudgetCheckResult, type BudgetDenied, BudgetMapper } from './budget-mapper.ts';
export { DenialList, type DenialRecord } from './denial-list.ts';
export type {
  AgentBehavior,
  AgentBudget,
  AgentEntryInput,
  AgentListFilters,
  AgentPatch,
  AgentRegistryEntry,
  AgentRuntime,
  AgentStatus,
} from './entry.ts';
export * from './schema.ts';
