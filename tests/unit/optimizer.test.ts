/** The optimizers' kernels as text; their arithmetic is held to the reference in tests/gpu/controls.test.ts. */
import { expect, test } from 'vitest';
import { tensor } from '../../src/engine/graph/lower.ts';
import { expand } from '../../src/engine/gpu/template.ts';
import { shaders } from '../../src/engine/gpu/shaders.ts';
import { optimizerCall } from '../../src/ops/optimizer.ts';
import { STEP } from '../../src/ops/step.ts';

const flat = (name: string) => tensor(name, [8], 'flat', 'parameter');

test.each([
  [0, 0.999],
  [0.9, 0],
])('Adam without memory (β = %d, %d) is a kernel of finite constants', (...betas) => {
  const update = {
    weight: flat('weight'),
    gradient: flat('gradient'),
    first: flat('first'),
    second: flat('second'),
    updates: flat('updates'),
  };
  const call = optimizerCall({ kind: 'adam', betas, eps: 1e-8, decoupled: false }, update, STEP);
  expect(expand(shaders, call.shader, call.entry, call.constants)).toMatch(
    /const LOG_BETA[12] = -1000000;/,
  );
});
