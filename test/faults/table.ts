import Table from 'cli-table3';
import type { Tally } from './run.ts';

const HEAD = ['fault', 'runtime', 'rounds', 'survived', 'lost', 'met'];

function cellsOf({ scenario, side, rounds, survived, losses, met, notRun }: Tally): string[] {
  const words = [...met].sort().map(([word, count]) => `${count} ${word}`);
  const figures = notRun === undefined ? [rounds, survived, losses.length].map(String) : ['not run', '', ''];
  return [scenario.name, side, ...figures, words.join(', ')];
}

/** What survived, a line for each scenario and side. */
export function tableOf(tallies: readonly Tally[], form: 'text' | 'markdown'): string {
  const rows = tallies.map(cellsOf);
  if (form === 'markdown') {
    return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  }
  const table = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}
