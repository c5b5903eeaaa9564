/** Receives warnings; `console` is a valid logger. */
export interface Logger {
  /** Receives one warning, which names the file. */
  warn(message: string): void;
}
