/** The exit codes of every command; `--help` lists them too. */
export const EXIT_CODE = {
  done: 0,
  /** Failed or refused. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Done, but the output needs attention. */
  look: 3,
} as const;
