/**
 * The blocks of a view. A view describes its content and not its looks: the page draws it in a browser, and `top` prints
 * it in a terminal. Every text is shown as plain text, never as HTML.
 */

/** How good or bad something is. Each tone is shown with a color and a word. */
export type Tone = 'ok' | 'info' | 'warning' | 'error';

/** How a value is formatted. `duration` is in milliseconds, `time` an ISO 8601 instant, `rate` a number per second. */
export type Unit = 'text' | 'code' | 'count' | 'bytes' | 'duration' | 'time' | 'rate';

/** The address of another view with its parameters, e.g. `file?table=notes`. */
export type Address = string;

/** A value with more than its unit. */
export interface RichValue {
  readonly value: string | number | null;
  readonly unit?: Unit;
  readonly tone?: Tone;
  readonly to?: Address;
  /** True if the value was cut and only its beginning is shown. */
  readonly isCut?: boolean;
}

/** A value to show. Null is shown as an empty text. */
export type Value = string | number | null | RichValue;

/** One sentence on whether everything is well. */
export interface Verdict {
  readonly kind: 'verdict';
  readonly tone: Tone;
  readonly text: string;
  readonly hint?: string;
}

/** Findings, each with what to do about it. */
export interface Findings {
  readonly kind: 'findings';
  readonly title: string;
  readonly findings: readonly { readonly tone: Tone; readonly text: string; readonly hint?: string }[];
}

/** A few values with their names. */
export interface Facts {
  readonly kind: 'facts';
  readonly title?: string;
  readonly facts: readonly { readonly name: string; readonly value: Value; readonly unit?: Unit }[];
}

/** One line of a chart. */
export interface Series {
  readonly name: string;
  /** Default: the series gets a color of its own. */
  readonly tone?: Tone;
  /** Unix milliseconds and the value; null is a gap. */
  readonly points: readonly (readonly [at: number, value: number | null])[];
}

/** Values over time. */
export interface Chart {
  readonly kind: 'chart';
  readonly title: string;
  readonly unit: Unit;
  readonly series: readonly Series[];
  /** Default `line`. */
  readonly style?: 'line' | 'bars' | 'dots';
  /** A line across the chart. */
  readonly limit?: { readonly name: string; readonly value: number };
  readonly note?: string;
}

export interface Table {
  readonly kind: 'table';
  readonly title: string;
  readonly columns: readonly { readonly name: string; readonly unit?: Unit }[];
  readonly rows: readonly (readonly Value[])[];
  /** Shown instead of the rows if there are none. */
  readonly empty?: string;
  readonly note?: string;
  readonly links?: readonly { readonly text: string; readonly to: Address }[];
}

/** Periods of time in lanes, one lane below the other. */
export interface Timeline {
  readonly kind: 'timeline';
  readonly title: string;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly {
    readonly name: string;
    /** Levels of indentation. Default 0. */
    readonly depth?: number;
    readonly link?: Address;
    readonly items: readonly {
      readonly from: number;
      readonly to: number;
      readonly tone: Tone;
      readonly text: string;
      readonly link?: Address;
    }[];
  }[];
  readonly note?: string;
}

/** A long text with its line breaks. */
export interface Text {
  readonly kind: 'text';
  readonly title: string;
  readonly text: string;
  readonly note?: string;
}

/** A form whose fields become parameters of the view. */
export interface Form {
  readonly kind: 'form';
  readonly title: string;
  readonly view: string;
  readonly button: string;
  readonly fields: readonly {
    readonly name: string;
    readonly label: string;
    readonly value: string;
    readonly choices?: readonly string[];
    readonly isLong?: boolean;
    /** True for a field that is sent but not shown. */
    readonly isHidden?: boolean;
  }[];
}

export interface Links {
  readonly kind: 'links';
  readonly title: string;
  readonly links: readonly { readonly text: string; readonly to: Address; readonly isCurrent?: boolean }[];
}

/** A part of a view. */
export type Block = Verdict | Findings | Facts | Chart | Table | Timeline | Text | Form | Links;

/** Returns an address with its parameters; those that are undefined are left out. */
export function addressOf(view: string, params: Readonly<Record<string, string | undefined>> = {}): Address {
  const given = Object.entries(params).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? view : `${view}?${new URLSearchParams(given)}`;
}
