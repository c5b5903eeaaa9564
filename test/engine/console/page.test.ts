/** The page: small, embedded as it is, and with nothing from elsewhere. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pageModule } from '../../../scripts/embed-page.ts';
import { PAGE } from '../../../src/engine/console/page.ts';
import { ROOT } from '../../support/runtime.ts';

const FOLDER = join(ROOT, 'src/engine/console');

describe('the page of the console', () => {
  it('is embedded as its files are: bun scripts/embed-page.ts', () => {
    assert.equal(readFileSync(join(FOLDER, 'page.ts'), 'utf8'), pageModule(join(FOLDER, 'page')));
    assert.deepEqual(Object.keys(PAGE), readdirSync(join(FOLDER, 'page')).sort());
  });

  it('has at most 20 kB, compressed', () => {
    const bytes = gzipSync(Object.values(PAGE).join('\n')).length;
    assert.ok(bytes < 20_000, `${bytes} bytes`);
  });

  it('takes nothing from elsewhere and makes no HTML of text', () => {
    for (const [name, text] of Object.entries(PAGE)) {
      const addresses = (text.match(/\bhttps?:\/\/[^'"\s)]+/g) ?? []).filter(
        (each) => each !== 'http://www.w3.org/2000/svg',
      );
      assert.deepEqual(addresses, [], name);
      assert.doesNotMatch(
        text,
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc/,
        name,
      );
      assert.doesNotMatch(text, /<style|<script>|\son\w+=/, name);
    }
  });
});
