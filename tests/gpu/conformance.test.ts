/** `npm run conformance` as a person runs it: what it prints, and its exit status. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SUITE = path.join(ROOT, 'tests/conformance');

describe('the command', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'fathom-conformance-'));
    await cp(path.join(SUITE, 'cases/ops'), path.join(directory, 'good'), { recursive: true });
    await cp(path.join(directory, 'good'), path.join(directory, 'corrupt'), { recursive: true });
    await cp(path.join(directory, 'good'), path.join(directory, 'foreign'), { recursive: true });
    const file = path.join(directory, 'corrupt/act_relu.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('4.306643', '4.316643'));
    await writeFile(path.join(directory, 'foreign/half.json'), '{"name": "half"');
    await writeFile(path.join(directory, 'foreign/stray.bin'), 'no case names me');
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** Runs `npm run conformance -- …` without npm: a program of its own, for the exit status. */
  const run = (suiteName: string, ...options: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const script = ['src/cli/conformance.ts', '--', path.join(directory, suiteName), ...options];
      execFile('node_modules/.bin/vite-node', script, { cwd: ROOT }, (error, out, err) => {
        resolve({ code: error ? Number(error.code) : 0, out, err });
      });
    });

  test.concurrent('passes a good suite', { timeout: 30_000 }, async () => {
    const { code, out } = await run('good', '--backend', 'reference');
    expect({ code, out }).toEqual({ code: 0, out: '18 passed, 0 failed, 0 skipped\n' });
  });

  test.concurrent('names the tensor, the error and the place', { timeout: 30_000 }, async () => {
    const { code, out } = await run('corrupt', '--backend', 'reference');
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^FAILED act_relu: outputs\.y: largest error 1\.00e-2 .* at \[0,0,0,2\]/,
    );
    expect(lines[1]).toBe('17 passed, 1 failed, 0 skipped');
  });

  test.concurrent('names every file that is not a case', { timeout: 30_000 }, async () => {
    const { code, out, err } = await run('foreign', '--backend', 'reference');
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/half\.json: not JSON/);
    expect(err).toMatch(/stray\.bin: neither a case/);
  });

  test.concurrent('lists one case', { timeout: 30_000 }, async () => {
    const { code, out } = await run('good', '--only', 'act_relu', '--list');
    expect({ code, out }).toEqual({ code: 0, out: 'act_relu\n' });
  });

  test.concurrent('knows its options', { timeout: 30_000 }, async () => {
    const { code, err } = await run('good', '--backend', 'abacus');
    expect(code).toBe(2);
    expect(err).toContain('abacus');
  });
});
