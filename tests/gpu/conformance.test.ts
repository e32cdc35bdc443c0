/** The conformance suite on the GPU kernels: vectors that PyTorch made. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { readSuite } from '../../src/cli/suite.ts';
import { gpuBackend } from '../../src/conformance/gpu.ts';
import { runCase } from '../../src/conformance/run.ts';
import { device } from './setup.ts';

const { cases } = await readSuite(path.resolve(import.meta.dirname, '../conformance'));
const backend = gpuBackend(device);

test.each(cases)('$name', async (given) => {
  expect(await runCase(backend, given)).toMatchObject({ status: 'passed' });
});
