/** The expander of shader templates. */
import { describe, expect, test } from 'vitest';
import { evaluate, expand } from '../../src/engine/gpu/template.ts';
import type { Constants } from '../../src/engine/gpu/template.ts';

const expanded = (text: string, constants: Constants = {}, files: Record<string, string> = {}) =>
  expand({ ...files, main: text }, 'main', 'entry', constants).split('\n');

test.each([NaN, Infinity, -Infinity])('a constant %s is refused by name', (value) => {
  expect(() => expanded('', { LIMIT: value })).toThrow(/main\.wgsl: LIMIT = .* is no constant/);
});

test('bindings are numbered in the order in which they are left in', () => {
  const text = ['//#if A', '@binding(next) a', '//#end', '//#include b', '@binding(next) c'].join(
    '\n',
  );
  expect(expanded(text, { A: 1 }, { b: '@binding(next) b' }).slice(1)).toEqual([
    '@binding(0) a',
    '@binding(1) b',
    '@binding(2) c',
  ]);
  expect(expanded(text, { A: 0 }, { b: '@binding(next) b' }).slice(1)).toEqual([
    '@binding(0) b',
    '@binding(1) c',
  ]);
});

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 4 - 3', 3],
    ['7 / 2', 3],
    ['-7 / 2', -4],
    ['-7 % 3', 2],
    ['2 * A - -B', 13],
    ['A == 5 && B != 3', 0],
    ['A < B || A >= 5', 1],
    ['!(A <= 4)', 1],
    ['!0 + 1', 2],
  ])('%s = %i', (expression, value) => {
    expect(evaluate(expression, { A: 5, B: 3 })).toBe(value);
  });
  test.each([
    ['C + 1', '"C" is not known'],
    ['(1 + 2', 'unbalanced parentheses'],
    ['1 2', 'cannot read'],
    ['', 'is not known'],
  ])('%s is refused', (expression, message) => {
    expect(() => evaluate(expression, {})).toThrow(message);
  });
});

describe('directives', () => {
  test('constants are declared in front, comments and empty lines go', () => {
    expect(expanded('// remark\n\n  let a = N;', { N: 4, EPS: 1e-5, ON: true })).toEqual([
      'const N = 4;',
      'const EPS = 0.00001;',
      'const ON = true;',
      '  let a = N;',
    ]);
  });
  test('loops nest, and their variables are numbers', () => {
    const text = '//#for i in 0..2\n//#for j in i..N\na_${i}_${j * 2}\n//#end\n//#end';
    expect(expanded(text, { N: 2 }).slice(1)).toEqual(['a_0_0', 'a_0_2', 'a_1_2']);
    expect(expanded('//#for i in 0..0\nnever\n//#end\nafter')).toEqual(['after']);
  });
  test('branches nest, and one not taken is only skipped', () => {
    const text = [
      '//#if A',
      '//#if B',
      'both',
      '//#else',
      'a',
      '//#end',
      '//#else',
      '//#for i in 0..UNKNOWN',
      'none',
      '//#end',
      '//#end',
    ].join('\n');
    expect(expanded(text, { A: true, B: true }).slice(2)).toEqual(['both']);
    expect(expanded(text, { A: true, B: false }).slice(2)).toEqual(['a']);
    expect(() => expanded(text, { A: false, B: false })).toThrow('"UNKNOWN" is not known');
  });
  test('a section holds what is common and its own text', () => {
    const text = 'common\n//#section other\nother\n//#section entry\nown';
    expect(expanded(text)).toEqual(['common', 'own']);
  });
  test('a file is included with its own directives', () => {
    const files = { part: '//#if N == 1\none\n//#end\nrest' };
    expect(expanded('//#include part', { N: 1 }, files)).toEqual(['const N = 1;', 'one', 'rest']);
  });
  test.each([
    ['//#for i in 0..2\nopen', 'has no "//#end"'],
    ['//#if 1\nopen', 'has no "//#end"'],
    ['//#end', 'without a beginning'],
    ['//#for i = 0..2\n//#end', 'malformed'],
    ['//#include nowhere', 'there is no shaders/nowhere.wgsl'],
    ['//#section other\ntext', 'has no section entry'],
  ])('%j is refused', (text, message) => {
    expect(() => expanded(text)).toThrow(message);
  });
});
