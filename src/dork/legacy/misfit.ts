/** Thrown for an invalid row. The receipt shows the reason, which contains no value of the row. */
export class Misfit {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Returns the plan, or the reason if the row is invalid. */
export function planOrReason<T>(plan: () => T): T | string {
  try {
    return plan();
  } catch (error) {
    if (error instanceof Misfit) return error.reason;
    throw error;
  }
}
