import type { Db } from '../../src/dork/db.ts';
import { type BareDatabase, bareId } from '../harness/bare.ts';
import type { Package } from '../harness/ours.ts';
import { byHand } from '../peers/by-hand.ts';
import { agentOf, endpointOf, idOf, SPANS_OF_A_TRACE, scheduleOf } from './fill.ts';
import { messageOf, newMessage, pageOf, type Row } from './message.ts';
import { newRun } from './run.ts';

/** One call of a server's load; the i-th call is another one than the next. */
export type Load = (i: number) => unknown;

/** What both do: every store in turns, four reads to one write. */
function mixed(calls: readonly Load[]): Load {
  return (i) => calls[i % calls.length]?.(i);
}

/** More calls than a bucket ever gets here. */
const MAX_CALLS = 1_000_000_000;

const PATH = '/nowhere/that/is/denied';
const messageIdOf = (i: number, rows: number) => `message-${(i * 7919) % rows}`;
const traceOf = (i: number, rows: number) => `trace-${(i * 7919) % Math.max(1, Math.floor(rows / SPANS_OF_A_TRACE))}`;
const statusOf = (i: number) => (i % 2 ? 'delivered' : 'failed');

/** A server's load on every store. */
export function storeLoad(pkg: Package, db: Db, rows: number): Load {
  const index = new pkg.SqliteIndex(db);
  const traces = new pkg.TraceStore(db);
  const pulse = new pkg.PulseStore(db);
  const registry = new pkg.AgentRegistry(db);
  const denials = new pkg.DenialList(db);
  const budgets = new pkg.BudgetMapper(db);
  const id = (i: number) => idOf((i * 7919) % rows);
  return mixed([
    (i) => index.getMessage(id(i)),
    () => index.queryMessages(),
    (i) => index.countNewByEndpoint(endpointOf(i)),
    (i) => traces.getSpanByMessageId(messageIdOf(i, rows)),
    (i) => index.insertMessage(newMessage(i)),
    (i) => traces.getTrace(traceOf(i, rows)),
    (i) => registry.get(agentOf(i)),
    () => denials.isDenied(PATH),
    (i) => pulse.getRun(id(i)),
    (i) => index.updateStatus(id(i), statusOf(i)),
    () => pulse.listRuns(),
    (i) => index.getMessage(id(i)),
    (i) => pulse.getRun(id(i)),
    (i) => registry.get(agentOf(i)),
    (i) => pulse.createRun(scheduleOf(i), 'scheduled'),
    (i) => traces.getSpanByMessageId(messageIdOf(i, rows)),
    (i) => index.countNewByEndpoint(endpointOf(i)),
    () => denials.isDenied(PATH),
    (i) => index.getMessage(id(i)),
    (i) => budgets.tryRecordCall(agentOf(i), MAX_CALLS),
  ]);
}

/** The same with hand-written SQL on the bare driver. */
export function bareLoad(database: BareDatabase, rows: number): Load {
  const { getMessage, newestMessages, putMessage, updateStatus, newestRuns, createRun, tryRecordCall } =
    byHand(database);
  const waiting = database.prepare(
    "SELECT count(*) AS n FROM relay_index WHERE endpoint_hash = ? AND status = 'pending'",
  );
  const span = database.prepare('SELECT * FROM relay_traces WHERE message_id = ?');
  const trace = database.prepare('SELECT * FROM relay_traces WHERE trace_id = ? ORDER BY sent_at, rowid');
  const agent = database.prepare('SELECT * FROM agents WHERE id = ?');
  const denied = database.prepare('SELECT 1 AS found FROM agent_denials WHERE path = ?');
  const run = database.prepare('SELECT * FROM pulse_runs WHERE id = ?');
  const id = (i: number) => idOf((i * 7919) % rows);
  return mixed([
    (i) => messageOf(getMessage(id(i)) as Row),
    () => pageOf(newestMessages(51) as Row[]),
    (i) => waiting.get(endpointOf(i)),
    (i) => span.get(messageIdOf(i, rows)),
    (i) => putMessage({ ...newMessage(i), metadata: null }),
    (i) => trace.all(traceOf(i, rows)),
    (i) => agent.get(agentOf(i)),
    () => denied.get(PATH),
    (i) => run.get(id(i)),
    (i) => updateStatus(id(i), statusOf(i)),
    () => newestRuns(50),
    (i) => messageOf(getMessage(id(i)) as Row),
    (i) => run.get(id(i)),
    (i) => agent.get(agentOf(i)),
    (i) => createRun(newRun(bareId(), scheduleOf(i))),
    (i) => span.get(messageIdOf(i, rows)),
    (i) => waiting.get(endpointOf(i)),
    () => denied.get(PATH),
    (i) => messageOf(getMessage(id(i)) as Row),
    (i) => tryRecordCall(agentOf(i), Math.floor(Date.now() / 60_000), MAX_CALLS),
  ]);
}
