import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatDuration } from '../../../src/engine/cli/output.ts';

describe('a duration', () => {
  it('never shows sixty seconds or a thousand milliseconds', () => {
    const shown = [0.4, 999.4, 999.6, 1500, 59_949, 59_960, 119_600, 200_000].map(formatDuration);
    assert.deepEqual(shown, ['0 ms', '999 ms', '1.0 s', '1.5 s', '59.9 s', '1 min 0 s', '2 min 0 s', '3 min 20 s']);
  });
});
