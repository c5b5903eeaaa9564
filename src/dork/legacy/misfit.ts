/** Thrown for a row that does not fit. The reason is in the receipt and shows no value of the row. */
export class Misfit {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Returns the reason if the row does not fit. */
export function planOrReason<T>(plan: () => T): T | string {
  try {
    return plan();
  } catch (error) {
    if (error instanceof Misfit) return error.reason;
    throw error;
  }
}
