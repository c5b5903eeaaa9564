/** Something that is to be put right before a migration may be released. */
export interface Problem {
  /** What is wrong, and where. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Prints problems as the command line does, and gives the exit code. */
export function report(problems: readonly Problem[]): 0 | 1 {
  for (const { message, hint } of problems) console.error(`Error: ${message}\nTry: ${hint}`);
  return problems.length > 0 ? 1 : 0;
}
