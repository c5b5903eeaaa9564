import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PAGE, tablesPage } from '../../scripts/tables.ts';

describe('docs/tables.md', () => {
  it('has the tables of the schema: `bun run tables` writes it', async () => {
    assert.equal(readFileSync(PAGE, 'utf8'), await tablesPage());
  });

  it('says of every column what is not plain from its name and type', async () => {
    const page = await tablesPage();
    for (const table of [
      'pulse_schedules',
      'pulse_runs',
      'relay_index',
      'relay_traces',
      'agents',
      'agent_denials',
      'rate_limit_buckets',
    ])
      assert.match(page, new RegExp(`^### ${table}\n\n\\S`, 'm'));
  });
});
