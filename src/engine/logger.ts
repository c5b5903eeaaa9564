/** Where warnings go; `console` fits. */
export interface Logger {
  /** Takes one warning: what is odd, and on which file. */
  warn(message: string): void;
}
