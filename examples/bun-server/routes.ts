import {
  type AgentEntryInput,
  health,
  type ListRunsOptions,
  type PulseRunPatch,
  type PulseScheduleInput,
  type PulseSchedulePatch,
  prometheusText,
  type QueryMessagesOptions,
  type RelayMessageInput,
  type TraceSpanInput,
  type TraceSpanPatch,
} from '@dorkos/db';
import type { BunRequest } from 'bun';
import { done, found } from './responses.ts';
import type { Services } from './services.ts';

/** Only what a request says; the stores look at every value and name the field that does not fit. */
function query<T>({ url }: Request): T {
  const { limit, offset, ...texts } = Object.fromEntries(new URL(url).searchParams);
  return {
    ...texts,
    ...(limit !== undefined && { limit: Number(limit) }),
    ...(offset !== undefined && { offset: Number(offset) }),
  } as T;
}

async function body<T>(request: Request): Promise<T> {
  return (await request.json()) as T;
}

const created = (value: unknown) => Response.json(value, { status: 201 });

/** The routes, by path and method. https://bun.com/docs/api/http#routing */
export function routesOf({ db, pulse, index, traces, agents, denials, budgets, monitor }: Services) {
  return {
    '/schedules': {
      GET: () => Response.json(pulse.getSchedules({ withNextRun: true })),
      POST: async (request: BunRequest) => created(pulse.createSchedule(await body<PulseScheduleInput>(request))),
    },
    '/schedules/:id': {
      GET: (request: BunRequest<'/schedules/:id'>) => found(pulse.getSchedule(request.params.id)),
      PATCH: async (request: BunRequest<'/schedules/:id'>) =>
        found(pulse.updateSchedule(request.params.id, await body<PulseSchedulePatch>(request))),
      DELETE: (request: BunRequest<'/schedules/:id'>) => done(pulse.deleteSchedule(request.params.id)),
    },
    '/schedules/:id/runs': {
      POST: (request: BunRequest<'/schedules/:id/runs'>) => created(pulse.createRun(request.params.id, 'manual')),
    },
    '/runs': {
      GET: (request: BunRequest) => Response.json(pulse.listRuns(query<ListRunsOptions>(request))),
    },
    '/runs/:id': {
      GET: (request: BunRequest<'/runs/:id'>) => found(pulse.getRun(request.params.id)),
      PATCH: async (request: BunRequest<'/runs/:id'>) =>
        found(pulse.updateRun(request.params.id, await body<PulseRunPatch>(request))),
    },
    '/messages': {
      GET: (request: BunRequest) => Response.json(index.queryMessages(query<QueryMessagesOptions>(request))),
      POST: async (request: BunRequest) => {
        const message = await body<RelayMessageInput>(request);
        index.insertMessage(message);
        return created(index.getMessage(message.id));
      },
    },
    '/messages/metrics': { GET: () => Response.json(index.getMetrics()) },
    '/messages/:id': {
      GET: (request: BunRequest<'/messages/:id'>) => found(index.getMessage(request.params.id)),
    },
    '/traces': {
      POST: async (request: BunRequest) => {
        const span = await body<TraceSpanInput>(request);
        traces.insertSpan(span);
        return created(traces.getSpanByMessageId(span.messageId));
      },
    },
    '/traces/metrics': { GET: () => Response.json(traces.getMetrics({ since: Date.now() - 3_600_000 })) },
    '/traces/:id': {
      GET: (request: BunRequest<'/traces/:id'>) => Response.json(traces.getTrace(request.params.id)),
      PATCH: async (request: BunRequest<'/traces/:id'>) =>
        done(traces.updateSpan(request.params.id, await body<TraceSpanPatch>(request))),
    },
    '/agents': {
      GET: (request: BunRequest) => Response.json(agents.listWithHealth(query(request))),
      POST: async (request: BunRequest) => {
        const agent = await body<AgentEntryInput>(request);
        if (denials.isDenied(agent.projectPath)) return new Response('This path is denied.', { status: 403 });
        agents.insert(agent);
        return created(agents.get(agent.id));
      },
    },
    '/agents/:id': {
      GET: (request: BunRequest<'/agents/:id'>) => found(agents.getWithHealth(request.params.id)),
      DELETE: (request: BunRequest<'/agents/:id'>) => done(agents.remove(request.params.id)),
    },
    '/agents/:id/calls': {
      POST: (request: BunRequest<'/agents/:id/calls'>) => {
        const agent = agents.get(request.params.id);
        if (!agent) return found(agent);
        const result = budgets.tryRecordCall(agent.id, agent.budget.maxCallsPerHour);
        if (!result.allowed) return Response.json(result, { status: 429 });
        agents.updateHealth(agent.id, new Date().toISOString(), 'call');
        return Response.json(result);
      },
    },
    '/denials': {
      GET: () => Response.json(denials.list()),
      POST: async (request: BunRequest) => {
        const { path, reason } = await body<{ path: string; reason?: string }>(request);
        denials.deny(path, 'manual', reason, 'api');
        return done(true);
      },
    },
    '/health': {
      GET: () => {
        const report = health(db);
        return Response.json(report, { status: report.severity === 'error' ? 503 : 200 });
      },
    },
    '/metrics': {
      GET: () =>
        new Response(prometheusText(monitor.sample()), { headers: { 'Content-Type': 'text/plain; version=0.0.4' } }),
    },
  };
}
