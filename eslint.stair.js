import boundaries from 'eslint-plugin-boundaries';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/*
 * The stair of imports. docs/architecture.md says why it is there, tests/unit/stair.test.ts proves
 * that a step up is refused.
 *
 * One row a part, from the bottom up: [part, its files, what it may import besides itself, what it
 * may import types from]. The first row that fits a file names its part, so single files stand above
 * their folder.
 */
const FOUNDATION = ['errors', 'random'];
const VOCABULARY = [...FOUNDATION, 'data', 'reference', 'ops', 'network'];
const LAB = ['settings', 'lab'];
/** @type {[part: string, files: string, values: string[], types?: string[]][]} */
const STAIR = [
  ['errors', 'src/errors.ts', []],
  ['random', 'src/random.ts', ['errors']],
  ['data', 'src/data/**', FOUNDATION],
  ['reference', 'src/reference/**', FOUNDATION],
  ['ops', 'src/ops/**', [...FOUNDATION, 'data', 'reference']],
  ['network', 'src/network/**', [...FOUNDATION, 'data', 'reference', 'ops']],
  ['engine', 'src/engine/**', VOCABULARY],
  // The files of the lab that the page reads as well: they must not come to hold the engine.
  ['settings', 'src/lab/{config,csv,defaults,networks,schedule,survey}.ts', VOCABULARY],
  ['lab', 'src/lab/**', [...VOCABULARY, 'engine', 'settings']],
  ['library', 'src/library.ts', [...VOCABULARY, 'engine']],
  ['conformance', 'src/conformance/**', [...VOCABULARY, 'engine']],
  // What page and worker share. It is made of types, so the page gets nothing of the engine with it.
  ['protocol', 'src/worker/protocol.ts', [...VOCABULARY, 'settings'], ['engine', 'lab']],
  ['client', 'src/worker/client.ts', [...VOCABULARY, 'settings', 'protocol']],
  ['worker', 'src/worker/**', [...VOCABULARY, 'engine', ...LAB, 'protocol']],
  ['cli', 'src/cli/**', [...VOCABULARY, 'engine', ...LAB, 'conformance']],
  ['app', 'src/app/**', [...VOCABULARY, 'settings', 'protocol', 'client']],
  ['main', 'src/main.tsx', ['errors', 'protocol', 'client', 'app']],
];

/** @param {string[]} parts */
const fileOf = (parts) => ({ file: { categories: { anyOf: parts } } });

export default defineConfig({
  files: ['src/**/*.{ts,tsx}'],
  languageOptions: { parser: tseslint.parser },
  plugins: { boundaries },
  settings: {
    'boundaries/files': STAIR.map(([category, pattern]) => ({ category, pattern })),
    'boundaries/files-single-match': true,
    'boundaries/elements': [],
  },
  rules: {
    'boundaries/no-unknown-files': 'error',
    'boundaries/no-unknown-dependencies': 'error',
    'boundaries/dependencies': [
      'error',
      {
        default: 'disallow',
        message:
          'the stair of imports (eslint.stair.js) does not lead from "{{from.file.categories}}" to "{{to.file.categories}}"',
        policies: STAIR.flatMap(([part, , values, types = []]) => [
          { from: fileOf([part]), allow: { to: fileOf([part, ...values]) } },
          { from: fileOf([part]), allow: { to: fileOf(types), dependency: { kind: 'type' } } },
        ]),
      },
    ],
  },
});
