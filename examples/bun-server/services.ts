import {
  AgentRegistry,
  BudgetMapper,
  type Db,
  DenialList,
  type Monitor,
  monitor,
  PulseStore,
  SqliteIndex,
  TraceStore,
} from '@dorkos/db';

/** What the routes work with: the six stores, and the monitor for `/metrics`. */
export interface Services {
  readonly db: Db;
  readonly pulse: PulseStore;
  readonly index: SqliteIndex;
  readonly traces: TraceStore;
  readonly agents: AgentRegistry;
  readonly denials: DenialList;
  readonly budgets: BudgetMapper;
  readonly monitor: Monitor;
}

/** Every store takes the one database that `main.ts` has opened; none opens or closes anything. */
export function servicesOf(db: Db): Services {
  return {
    db,
    pulse: new PulseStore(db),
    index: new SqliteIndex(db),
    traces: new TraceStore(db),
    agents: new AgentRegistry(db),
    denials: new DenialList(db),
    budgets: new BudgetMapper(db),
    monitor: monitor(db),
  };
}
