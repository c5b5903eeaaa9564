import { type AgentRegistryEntry, newId } from '#entry';

/** An entry with every field, and what is given over it. */
export function sampleAgent(fields: Partial<AgentRegistryEntry> = {}): AgentRegistryEntry {
  const id = fields.id ?? newId();
  return {
    id,
    name: 'backend',
    description: 'Answers what the backend is asked',
    runtime: 'claude-code',
    capabilities: ['chat', 'code'],
    behavior: { responseMode: 'mention-only', escalationThreshold: 0.5 },
    budget: { maxHopsPerMessage: 3, maxCallsPerHour: 20 },
    namespace: 'team',
    registeredAt: '2026-02-25T09:30:00.000Z',
    registeredBy: 'discovery',
    projectPath: `/projects/${id}`,
    scanRoot: '/projects',
    ...fields,
  };
}
