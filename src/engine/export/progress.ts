/** The progress of an export or an import. */
export interface ExportProgress {
  /** `writing` an export; `reading` one into a new file, and `verifying` that file. */
  readonly phase: 'writing' | 'reading' | 'verifying';
  readonly table: string;
  /** Of all tables. */
  readonly rows: number;
  readonly totalRows: number;
}
