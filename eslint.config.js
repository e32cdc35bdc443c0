import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import stair from './eslint.stair.js';

export default defineConfig(
  globalIgnores([
    'dist/',
    'dist-library/',
    'coverage/',
    'test-results/',
    'playwright-report/',
    'out/',
    'bench/results/',
  ]),
  js.configs.recommended,
  { languageOptions: { globals: globals.node } },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.strict],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // `{ type, ...params }` leaves a field out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowArray: true },
      ],
      // Inner loops over typed arrays are bounded by their shapes; `array[i]!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An interface may ask for a promise where one of its implementations has nothing to await.
      '@typescript-eslint/require-await': 'off',
      // react-i18next's `t` is meant to be taken out of its object.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['src/app/**', 'src/main.tsx'],
    extends: [reactHooks.configs.flat['recommended-latest']],
  },
  {
    files: ['tests/**'],
    // Expected values stand as the oracle printed them.
    rules: { 'no-loss-of-precision': 'off' },
  },
  {
    // These parts run unchanged in a Worker, in Node and in tests: neither the DOM nor Node's own.
    files: ['src/*.ts', 'src/{data,reference,ops,network,engine,lab,conformance}/**'],
    rules: {
      'no-restricted-globals': ['error', 'window', 'document', 'navigator', 'process', 'Buffer'],
      'no-restricted-imports': ['error', { patterns: ['node:*', 'react', 'webgpu'] }],
    },
  },
  stair,
);
