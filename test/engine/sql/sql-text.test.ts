import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  leadingWords,
  parameterNames,
  splitStatements,
  withBackquotes,
  withoutComments,
} from '../../../src/engine/sql/sql-text.ts';

describe('SQL text', () => {
  it('splits at semicolons that end a statement, and at no others', () => {
    const cases: [string, string[]][] = [
      ['', []],
      [' \n\t', []],
      ['-- only a comment', []],
      ['/* open', []],
      [';;;', []],
      ['SELECT 1', ['SELECT 1']],
      ['SELECT 1;', ['SELECT 1']],
      ['SELECT 1; -- end', ['SELECT 1']],
      ['SELECT 1; SELECT 2', ['SELECT 1', 'SELECT 2']],
      ['SELECT \';\'\'; \'; SELECT "a;""b", [c;d], `e;``f`', ["SELECT ';''; '", 'SELECT "a;""b", [c;d], `e;``f`']],
      ['SELECT 1 /* ; */; SELECT 2 -- ;\n, 3', ['SELECT 1 /* ; */', 'SELECT 2 -- ;\n, 3']],
      ["SELECT 'not closed; SELECT 2", ["SELECT 'not closed; SELECT 2"]],
      ['BEGIN; SELECT 1; END', ['BEGIN', 'SELECT 1', 'END']],
    ];
    for (const [sql, statements] of cases) assert.deepEqual(splitStatements(sql), statements, sql);
  });

  it('keeps the body of a trigger in its statement', () => {
    const trigger = `CREATE TEMP TRIGGER IF NOT EXISTS t AFTER INSERT ON a WHEN CASE new.x WHEN 1 THEN 1 END BEGIN
      UPDATE a SET n = CASE WHEN n > 1 THEN 'x;y' ELSE n END; -- one; comment
      DELETE FROM b;
    END`;
    assert.deepEqual(splitStatements(`${trigger};\nSELECT 1`), [trigger, 'SELECT 1']);
    assert.deepEqual(splitStatements(`/* c */ create trigger x after delete on a begin select 1; end; select 2`), [
      '/* c */ create trigger x after delete on a begin select 1; end',
      'select 2',
    ]);
  });

  it('takes a statement for a trigger by its grammar, not by a word', () => {
    for (const first of [
      'CREATE TABLE trigger (id)',
      'CREATE TEMP TABLE trigger (id)',
      'CREATE VIEW trigger AS SELECT 1',
      'CREATE INDEX trigger ON t (a)',
      'CREATE UNIQUE INDEX trigger ON t (a)',
      'CREATE VIRTUAL TABLE trigger USING fts5(a)',
      'DROP TRIGGER t',
      'ALTER TABLE trigger RENAME TO t',
    ])
      assert.deepEqual(splitStatements(`${first}; SELECT 2;`), [first, 'SELECT 2']);
    for (const kind of ['TRIGGER', 'TEMP TRIGGER', 'TEMPORARY /* ; */ TRIGGER', 'TRIGGER IF NOT EXISTS']) {
      const trigger = `CREATE ${kind} trigger AFTER INSERT ON trigger BEGIN SELECT 1; SELECT 2; END`;
      assert.deepEqual(splitStatements(`${trigger}; SELECT 3`), [trigger, 'SELECT 3']);
    }
  });

  it('names the parameters by position', () => {
    const cases: [string, (string | undefined)[]][] = [
      ['SELECT 1', []],
      ['?, ?', [undefined, undefined]],
      ['?2', [undefined, '2']],
      ['?3, ?', [undefined, undefined, '3', undefined]],
      ['?, ?1, ?', ['1', undefined]],
      [':a, $b1, @c_d, :a', ['a', 'b1', 'c_d']],
      [':a, $a', ['a', 'a']],
      ['\':a\', ":b", `?1`, [@c], x$y -- :d\n /* ?9 */', []],
    ];
    for (const [sql, names] of cases) assert.deepEqual(parameterNames(sql), names, sql);
  });

  it('writes names in backquotes, and nothing else', () => {
    const cases: [string, string][] = [
      ['SELECT "a", "t"."b c"', 'SELECT `a`, `t`.`b c`'],
      ['"a""b`c"', '`a"b``c`'],
      [`'"a"' || "b" || '''"'`, `'"a"' || \`b\` || '''"'`],
      ['-- "a"\n"b" /* "c" */ [d"e] `f"g`', '-- "a"\n`b` /* "c" */ [d"e] `f"g`'],
      ['a - b / c', 'a - b / c'],
    ];
    for (const [sql, expected] of cases) assert.equal(withBackquotes(sql), expected);
  });

  it('names the first words whatever stands before them', () => {
    assert.deepEqual(leadingWords('-- a\n/* b */ alter\n table "x" rename', 2), ['ALTER', 'TABLE']);
    assert.deepEqual(leadingWords('', 2), []);
  });

  it('makes texts equal that differ in comments, white space and the case of words only', () => {
    const same = (a: string, b: string) => withoutComments(a) === withoutComments(b);
    assert.ok(same('CREATE TABLE a (b text); -- c', 'create  table a\r\n(b text);'));
    assert.ok(!same("SELECT 'a  b'", "SELECT 'a b'"));
    assert.ok(!same("SELECT 'A'", "SELECT 'a'"));
    assert.ok(!same('SELECT a', 'SELECT b'));
  });
});
