/** Rows that are written, or read, so far. */
export interface ExportProgress {
  /** `writing` an export; `reading` one into a new file, and `verifying` that file. */
  readonly phase: 'writing' | 'reading' | 'verifying';
  readonly table: string;
  /** Of all tables. */
  readonly rows: number;
  readonly totalRows: number;
}
