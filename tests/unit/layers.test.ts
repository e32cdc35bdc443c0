/** The op table as others read it: the document that is made of it, and what it refuses. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { FathomError } from '../../src/errors.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { buildGraph } from '../../src/network/graph.ts';
import { networkSpec } from '../../src/network/spec.ts';
import type { LayerSpec, NetworkSpec } from '../../src/network/spec.ts';
import { layersDocument } from '../../src/ops/document.ts';
import { ops } from '../../src/ops/table.ts';
import type { Op } from '../../src/ops/op.ts';

test('docs/layers.md is what `npm run docs:layers` writes', async () => {
  expect(await readFile('docs/layers.md', 'utf8')).toBe(layersDocument());
});

test.each(Object.entries<Op>(ops))('%s bears its own name and says what it is', (name, op) => {
  expect(op.name).toBe(name);
  for (const said of Object.values<string>({ ...op.doc })) expect(said.length).toBeGreaterThan(2);
  for (const sample of op.samples) expect(op.params.safeParse(sample.params).success).toBe(true);
  expect(op.params.safeParse({ ...op.samples[0]?.params, unheard_of: 1 }).success).toBe(false);
});

const network = (...layers: LayerSpec[]): NetworkSpec => ({
  version: 1,
  name: 'test',
  input: { channels: 3, height: 8, width: 8 },
  classes: 10,
  layers,
});
const block = (body: LayerSpec[], shortcut: 'A' | 'B' = 'A'): LayerSpec => ({
  type: 'stage',
  name: 'layer1',
  layers: [
    {
      type: 'residual',
      name: '0',
      connected: true,
      shortcut,
      zero_channels: 'end',
      projection_norm: { type: 'batch_norm' },
      body,
      after: [],
    },
  ],
});

describe('a network that cannot be is refused: where, why, and which shapes', () => {
  const INVALID: [string, NetworkSpec, string, RegExp][] = [
    [
      'groups that do not divide the channels',
      network({ type: 'conv2d', name: 'conv', out_channels: 4, kernel: 3, groups: 2 }),
      'conv',
      /^conv: 2 groups must divide 3 input channels and 4 output channels: \[2, 3, 8, 8\] to \[2, 4, 6, 6\]/,
    ],
    [
      'group norm with groups that do not divide the channels',
      network({ type: 'group_norm', name: 'norm', groups: 2 }),
      'norm',
      /^norm: 2 groups do not divide the 3 channels of \[2, 3, 8, 8\]/,
    ],
    [
      'a kernel larger than what is left of the image',
      network(
        { type: 'max_pool2d', name: 'pool', kernel: 4 },
        { type: 'conv2d', name: 'conv', out_channels: 4, kernel: 3 },
      ),
      'conv',
      /^conv: a window of 3×3 .* does not fit into 2×2 pixels: \[2, 3, 2, 2\] would become \[2, 4, 0, 0\]/,
    ],
    [
      'pooling until nothing is left',
      network({ type: 'avg_pool2d', name: 'pool', kernel: 9 }),
      'pool',
      /^pool: a window of 9×9 does not fit into 8×8 pixels: \[2, 3, 8, 8\] would become \[2, 3, 0, 0\]/,
    ],
    [
      'residual branches of different size',
      network(block([{ type: 'conv2d', name: 'conv', out_channels: 3, kernel: 3 }])),
      'layer1.0.add',
      /^layer1\.0\.add: .*\[2, 3, 6, 6\] and \[2, 3, 4, 4\]/,
    ],
    [
      'option A towards fewer channels',
      network(block([{ type: 'conv2d', name: 'conv', out_channels: 2, kernel: 1 }])),
      'layer1.0.shortcut',
      /^layer1\.0\.shortcut: .*\[2, 3, 8, 8\] .* \[2, 2, 8, 8\].*option B/,
    ],
    [
      'a linear layer on images',
      network({ type: 'linear', name: 'fc', out_features: 10 }),
      'fc',
      /^fc: a linear layer takes vectors \[N, C\], not \[2, 3, 8, 8\]; pool or flatten first/,
    ],
    [
      'layer norm over a shape that is not there',
      network({ type: 'layer_norm', name: 'ln', normalized_shape: [4, 8, 8] }),
      'ln',
      /^ln: layer norm over \[4, 8, 8\] does not fit \[2, 3, 8, 8\]/,
    ],
    [
      'a parameter out of range',
      network({ type: 'dropout', name: 'drop', drop_probability: 1.5 }),
      'drop',
      /^drop: drop_probability: .*<=1/,
    ],
    [
      'two layers of one name',
      network({ type: 'relu', name: 'a' }, { type: 'tanh', name: 'a' }),
      'a',
      /^a: two layers bear this name/,
    ],
    [
      'the wrong number of logits',
      network({ type: 'flatten', name: 'flat' }, { type: 'linear', name: 'fc', out_features: 9 }),
      'test',
      /\[2, 9\], not with 10 logits/,
    ],
  ];
  test.each(INVALID)('%s', (_, spec, path, message) => {
    const build = () => buildGraph(spec, 2);
    expect(build).toThrow(message);
    try {
      build();
    } catch (error) {
      expect(error).toBeInstanceOf(FathomError);
      expect((error as FathomError).details.path).toBe(path);
    }
  });
  test('and one that can be is not', () => {
    const spec = network(
      block([{ type: 'conv2d', name: 'conv', out_channels: 2, kernel: 1 }], 'B'),
      { type: 'flatten', name: 'flat' },
      { type: 'linear', name: 'fc', out_features: 10 },
    );
    expect(buildGraph(spec, 2).output.shape).toEqual([2, 10]);
  });
});

describe('a spec is read strictly', () => {
  test('an unknown layer, an unknown parameter and a fused flag are refused', () => {
    const read = (layer: unknown) => networkSpec.safeParse({ ...network(), layers: [layer] });
    expect(read({ type: 'relu', name: 'relu' }).success).toBe(true);
    expect(read({ type: 'softmax', name: 'x' }).success).toBe(false);
    expect(read({ type: 'relu', name: 'relu', slope: 1 }).success).toBe(false);
    expect(read({ type: 'batch_norm', name: 'bn', relu: true }).success).toBe(false);
    expect(read({ type: 'relu', name: 'a.b' }).success).toBe(false);
  });
  test('every norm and order of the family is a spec', () => {
    for (const norm of [null, { type: 'group_norm', groups: 2 }, { type: 'layer_norm' }] as const) {
      for (const order of ['original', 'pre_activation'] as const) {
        const input = { channels: 3, height: 8, width: 8 };
        const options = { depth: 14, residual: true, width: 4, input, classes: 10 };
        const spec = cifarNetwork({ ...options, norm, order });
        expect(networkSpec.parse(spec)).toMatchObject(spec);
      }
    }
  });
});
