/** A problem to correct before a migration is released. */
export interface Problem {
  /** The problem and its place, in a sentence. */
  readonly message: string;
  /** How to correct it. */
  readonly hint: string;
}
