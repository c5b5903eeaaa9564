/** What a command ends with; `--help` says it too. */
export const EXIT_CODE = {
  done: 0,
  /** Failed or refused. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Done, but there is something to look at. */
  look: 3,
} as const;
