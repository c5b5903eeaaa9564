import * as v from 'valibot';
import {
  filledProse,
  filledText,
  instantOrMillis,
  jsonObject,
  late,
  objectOf,
  oneOfWords,
  prose,
  text,
  wholeNumber,
  withDefaults,
} from '../../engine/input.ts';
import { AGENT_STATUSES } from './schema.ts';

const RESPONSE_MODES = ['always', 'direct-only', 'mention-only', 'silent'] as const;

/** The state of an agent's registration. Its health depends on when it was last seen. */
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** The program that an agent runs in: one of these words, or any other. */
export type AgentRuntime = 'claude-code' | 'cursor' | 'codex' | 'other' | (string & {});

/** When an agent answers. Keys besides these are kept as they came. */
export interface AgentBehavior {
  responseMode: (typeof RESPONSE_MODES)[number];
  /** Kept as it came; what counts towards it is the business of the relay. */
  escalationThreshold?: number;
}

/** The limits of an agent. Other keys are kept unchanged. */
export interface AgentBudget {
  /** Hops of one message, 0 or more. */
  maxHopsPerMessage: number;
  /** Calls in any 60 minutes, 0 or more. */
  maxCallsPerHour: number;
}

/** An agent that is to be registered: its manifest, and where it was found. Keys besides these are kept as they came. */
export interface AgentEntryInput {
  /** ULID. Not empty. */
  id: string;
  /** Not empty. */
  name: string;
  /** Default `''`. */
  description?: string | null;
  /** Not empty. */
  runtime: AgentRuntime;
  /** Default none. */
  capabilities?: readonly string[];
  /** Default `{ responseMode: 'always' }`. */
  behavior?: AgentBehavior;
  /** Default `{ maxHopsPerMessage: 5, maxCallsPerHour: 100 }`. */
  budget?: AgentBudget;
  /** Default `default`. */
  namespace?: string;
  /** ISO 8601 with a time zone, or Unix milliseconds; kept as ISO 8601 in UTC with milliseconds. */
  registeredAt: string | number;
  registeredBy: string;
  /** Absolute; no two agents have the same. */
  projectPath: string;
  /** The folder whose scan found it. Default `''`. */
  scanRoot?: string;
  /** Default `active`. */
  status?: AgentStatus;
}

/** A registered agent: what was inserted. */
export interface AgentRegistryEntry {
  id: string;
  name: string;
  description: string;
  runtime: AgentRuntime;
  capabilities: string[];
  behavior: AgentBehavior;
  budget: AgentBudget;
  namespace: string;
  /** ISO 8601 in UTC. */
  registeredAt: string;
  registeredBy: string;
  projectPath: string;
  scanRoot: string;
  /** Absent for an active agent that was registered without it. */
  status?: AgentStatus;
  /** The keys of the manifest that this package does not know. */
  [key: string]: unknown;
}

/**
 * Changes of an agent. An undefined key is not changed; `capabilities`, `behavior` and `budget` are replaced as a
 * whole; keys that this package does not know are added to the existing ones, and null is a value of theirs.
 */
export interface AgentPatch extends Partial<AgentEntryInput> {
  [key: string]: unknown;
}

/** The agents to list. An empty text is ignored, like an empty field of a form. */
export interface AgentListFilters {
  /** An {@link AgentRuntime}. Default: of every runtime. */
  runtime?: string;
  /** Default: with and without any capability. */
  capability?: string;
}

/** Columns that do not describe the agent. */
export const DEFAULT_BEHAVIOR: AgentBehavior = { responseMode: 'always' };
export const DEFAULT_BUDGET: AgentBudget = { maxHopsPerMessage: 5, maxCallsPerHour: 100 };

/** JSON text of an object whose known fields fit and whose other fields are whatever JSON holds. */
function jsonTextOf<const T extends v.ObjectEntries>(entries: T) {
  const known = objectOf(entries);
  return v.pipe(
    jsonObject(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const { issues } = v.safeParse(known, dataset.value, { abortEarly: true });
      if (!issues) return JSON.stringify(dataset.value);
      const { message, path } = issues[0];
      addIssue({ message, path });
      return NEVER;
    }),
  );
}

/** The valid values of each field that can change; the output is the value of its column. */
const fields = late(() => ({
  name: filledProse,
  description: v.nullable(prose),
  runtime: filledText,
  capabilities: v.pipe(
    v.array(v.string('must be a string'), 'must be an array'),
    v.transform((words) => JSON.stringify(words)),
  ),
  behavior: jsonTextOf({
    responseMode: oneOfWords(RESPONSE_MODES),
    escalationThreshold: v.optional(v.number('must be a number')),
  }),
  budget: jsonTextOf({ maxHopsPerMessage: wholeNumber, maxCallsPerHour: wholeNumber }),
  namespace: text,
  registeredAt: instantOrMillis(),
  registeredBy: prose,
  projectPath: filledText,
  scanRoot: text,
  status: oneOfWords(AGENT_STATUSES),
}));

/**
 * The fields of an entry that is to be registered, with their defaults.
 *
 * @internal
 */
export const newEntry = late(() => {
  const defaults = {
    description: '',
    capabilities: [],
    behavior: { ...DEFAULT_BEHAVIOR },
    budget: { ...DEFAULT_BUDGET },
    namespace: 'default',
    scanRoot: '',
  };
  return objectOf({ ...withDefaults(fields(), defaults), id: filledText, status: v.optional(fields().status) });
});

/**
 * The fields of a patch.
 *
 * @internal
 */
export const entryPatch = late(() => v.partial(objectOf({ ...fields(), id: filledText })));

/** @internal */
export const listFilters = late(() => objectOf({ runtime: v.optional(text), capability: v.optional(text) }));
