/** The changelog is in the form of Keep a Changelog. https://keepachangelog.com/en/1.1.0/ */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../support/runtime.ts';

const RELEASE = /^## \[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d{2}-\d{2})?$/;
const SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

describe('CHANGELOG.md', () => {
  const lines = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').split('\n');
  const headings = (level: string) => lines.filter((line) => line.startsWith(`${level} `));

  it('has releases with dates, newest first, what is not released above them', () => {
    const releases = headings('##').map((line) => RELEASE.exec(line) ?? assert.fail(line));
    assert.equal(releases[0]?.[1], 'Unreleased');
    const dates = releases.slice(1).map(([line, , date]) => date ?? assert.fail(`${line} has no date`));
    assert.deepEqual(dates, dates.toSorted().reverse());
  });

  it('tells changes by their kind, one line each that is not empty', () => {
    const kinds = headings('###').map((line) => line.slice(4));
    assert.ok(kinds.length > 0);
    assert.deepEqual(
      kinds.filter((kind) => !SECTIONS.includes(kind)),
      [],
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('-') && !/^- \S.{10,}/.test(line)),
      [],
    );
  });
});
