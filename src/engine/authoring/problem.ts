/** Something that is to be put right before a migration may be released. */
export interface Problem {
  /** What is wrong, and where. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}
