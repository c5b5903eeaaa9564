import { BudgetMapper } from '#entry';

/** A mapper whose minute the test sets. */
export class ClockedBudgetMapper extends BudgetMapper {
  minute = 30_000_000;

  override currentMinuteBucket(): number {
    return this.minute;
  }
}
