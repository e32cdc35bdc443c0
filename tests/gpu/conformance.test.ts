/** The conformance suite on the GPU kernels: vectors that PyTorch made. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { readSuite } from '../../src/cli/suite.ts';
import { gpuBackend } from '../../src/conformance/gpu.ts';
import { runCase } from '../../src/conformance/run.ts';
import { device } from './setup.ts';

const { cases } = await readSuite(path.resolve(import.meta.dirname, '../conformance'));
const backend = gpuBackend(device);

/** What the kernels do not do; the reason says so. */
const UNSUPPORTED = new Map([
  ['conv2d_3x3_dilation2_7x6', /dilation/],
  ['conv2d_3x3_groups2_bias_5x4', /groups/],
  ['conv2d_3x3_s2_pad_bottom_right_6x6', /padding/],
  ['conv2d_depthwise_s2_6x7', /groups/],
]);

test.each(cases)('$name', async (given) => {
  const outcome = await runCase(backend, given);
  const reason = UNSUPPORTED.get(given.name);
  if (reason) {
    expect(outcome).toMatchObject({ status: 'skipped' });
    expect(outcome).toHaveProperty('reason', expect.stringMatching(reason));
  } else {
    expect(outcome).toMatchObject({ status: 'passed' });
  }
});
