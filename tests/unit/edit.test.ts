/** Building networks by hand: edits, facts of every layer, templates, and what does not fit. */
import { describe, expect, it } from 'vitest';
import {
  after,
  eachLayer,
  insert,
  layerAt,
  move,
  remove,
  repeat,
  replace,
  unwrap,
  wrap,
} from '../../src/network/edit.ts';
import type { Address } from '../../src/network/edit.ts';
import { factsOf } from '../../src/network/facts.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { buildGraph, countParameters, stepFlops } from '../../src/network/graph.ts';
import { networkSpec } from '../../src/network/spec.ts';
import type { LayerSpec, NetworkSpec } from '../../src/network/spec.ts';
import { TEMPLATE_IDS, template } from '../../src/network/templates.ts';
import { uniform } from '../../src/random.ts';

const input = { channels: 3, height: 16, width: 16 };
const resnet = cifarNetwork({ depth: 8, residual: true, width: 4, input, classes: 10 });
const paths = (spec: NetworkSpec) => [...eachLayer(spec.layers)].map(({ path }) => path);
const at = (spec: NetworkSpec, path: string): Address =>
  [...eachLayer(spec.layers)].find((each) => each.path === path)!.address;

describe('an edit', () => {
  it('finds every layer at its address', () => {
    for (const { layer, address } of eachLayer(resnet.layers)) {
      expect(layerAt(resnet, address)).toBe(layer);
    }
    expect(layerAt(resnet, [99])).toBeUndefined();
    expect(layerAt(resnet, [0, 'body', 0])).toBeUndefined();
  });

  it('leaves what was there as it was', () => {
    const before = JSON.stringify(resnet);
    const block = at(resnet, 'layer1.0');
    insert(resnet, [...block, 'body', 0], [{ type: 'gelu', name: 'gelu' }]);
    remove(resnet, block);
    move(resnet, at(resnet, 'conv1'), [...block, 'body', 2]);
    unwrap(resnet, block);
    expect(JSON.stringify(resnet)).toBe(before);
  });

  it('gives a name that is free, in both lists of a block', () => {
    const block = at(resnet, 'layer1.0');
    const spec = insert(resnet, [...block, 'after', 1], [{ type: 'relu', name: 'relu1' }]);
    expect(paths(spec)).toContain('layer1.0.relu3');
    expect(paths(insert(resnet, [0], [{ type: 'gelu', name: 'gelu' }]))[0]).toBe('gelu');
  });

  it('removing what was inserted gives the same network', () => {
    for (const { address } of eachLayer(resnet.layers)) {
      const more = insert(resnet, address, [{ type: 'gelu', name: 'gelu' }]);
      expect(layerAt(more, address)).toEqual({ type: 'gelu', name: 'gelu' });
      expect(remove(more, address)).toEqual(resnet);
    }
  });

  it('repeats a block, and the network still fits', () => {
    const spec = repeat(resnet, at(resnet, 'layer1.0'), 3);
    expect(paths(spec).filter((path) => /^layer1\.\d$/.test(path))).toEqual([
      'layer1.0',
      'layer1.1',
      'layer1.2',
    ]);
    const deeper = cifarNetwork({ depth: 20, residual: true, width: 4, input, classes: 10 });
    let built = resnet;
    for (const stage of ['layer1', 'layer2', 'layer3']) {
      built = repeat(built, at(built, `${stage}.0`), 3);
    }
    // The copies keep the stride 2 of what they copy.
    for (const path of ['layer2.1', 'layer2.2', 'layer3.1', 'layer3.2']) {
      const conv = at(built, `${path}.conv1`);
      built = replace(built, conv, { ...layerAt(built, conv)!, stride: 1 } as LayerSpec);
    }
    expect(built.layers).toEqual(deeper.layers);
  });

  it('wraps and unwraps', () => {
    const flat = cifarNetwork({ depth: 8, residual: true, width: 4, input, classes: 10 });
    const conv = at(flat, 'conv1');
    const wrapped = wrap(flat, conv, 2);
    expect(layerAt(wrapped, conv)).toMatchObject({ type: 'residual', name: 'block' });
    expect(paths(wrapped).slice(0, 3)).toEqual(['block', 'block.conv1', 'block.bn1']);
    expect(unwrap(wrapped, conv)).toEqual(flat);
    expect(wrap(flat, [8], 9)).toBe(flat);
  });

  it('moves within a list, into another and back, and not into itself', () => {
    const order = (spec: NetworkSpec) => spec.layers.map(({ name }) => name).join(' ');
    expect(order(move(resnet, [0], [3]))).toBe('bn1 relu conv1 layer1 layer2 layer3 avgpool fc');
    expect(order(move(resnet, [2], [0]))).toBe('relu conv1 bn1 layer1 layer2 layer3 avgpool fc');
    expect(order(move(resnet, [0], [8]))).toBe('bn1 relu layer1 layer2 layer3 avgpool fc conv1');
    const block = at(resnet, 'layer1.0');
    const inside = move(resnet, [1], [...block, 'body', 0]);
    // bn1 is taken there.
    expect(paths(inside)).toContain('layer1.0.bn3');
    expect(paths(inside)).not.toContain('bn1');
    expect(move(resnet, block, [...block, 'body', 0])).toBe(resnet);
    expect(move(resnet, [0], [0])).toBe(resnet);
    expect(after([1, 'body', 2])).toEqual([1, 'body', 3]);
  });
});

describe('the facts of a network', () => {
  it.each([8, 20, 56])('add up to those of the graph, depth %d', (depth) => {
    const spec = cifarNetwork({ depth, residual: true, width: 16, input, classes: 10 });
    const graph = buildGraph(spec, 1);
    const facts = factsOf(spec);
    expect(facts.faults.size).toBe(0);
    expect(facts.parameters).toBe(countParameters(graph));
    expect(3 * facts.flops).toBe(stepFlops(graph));
  });

  it('say how far a layer sees: He et al. 2015, two 3×3 convolutions a block, strides 1, 2, 2', () => {
    const { layers } = factsOf(
      cifarNetwork({ depth: 20, residual: true, width: 4, input, classes: 10 }),
    );
    const field = (path: string) => layers.find((layer) => layer.path === path)!.field[0];
    // 3, and 2 more pixels a convolution; 4 behind the first stride, 8 behind the second.
    expect(field('conv1')).toBe(3);
    expect(field('layer1.2.conv2')).toBe(3 + 6 * 2);
    expect(field('layer2.0.conv1')).toBe(15 + 2);
    expect(field('layer2.2.conv2')).toBe(17 + 5 * 4);
    expect(field('layer3.0.conv1')).toBe(37 + 4);
    expect(field('layer3.2.conv2')).toBe(41 + 5 * 8);
    expect(field('fc')).toBe(16);
  });

  it('name the layer that does not fit, and go on behind it', () => {
    const groups: LayerSpec = { type: 'group_norm', name: 'bn1', groups: 3 };
    const { faults, layers } = factsOf(replace(resnet, at(resnet, 'bn1'), groups));
    expect([...faults.keys()]).toEqual(['bn1']);
    expect(faults.get('bn1')).toMatchObject({ code: 'shape' });
    expect(layers.at(-1)).toMatchObject({ path: 'fc', shape: [10] });
  });

  it('name an end that is no vector of logits', () => {
    const { faults } = factsOf(remove(resnet, at(resnet, 'fc')));
    expect([...faults.keys()]).toEqual(['']);
    expect(faults.get('')?.message).toMatch(/\[1, 16\].*10 logits/);
  });
});

describe('a template', () => {
  it.each(TEMPLATE_IDS.filter((id) => id !== 'empty'))('%s fits', (id) => {
    for (const [channels, side, classes] of [
      [3, 32, 10],
      [1, 28, 10],
      [3, 16, 100],
      [3, 64, 2],
    ] as const) {
      const spec = template(id, { input: { channels, height: side, width: side }, classes });
      expect(networkSpec.parse(spec)).toBeDefined();
      expect(buildGraph(spec, 4).output.shape).toEqual([4, classes]);
      expect(factsOf(spec).faults.size).toBe(0);
    }
  });

  it('LeNet-5 has the sizes of the paper on its images', () => {
    const { layers } = factsOf(
      template('lenet_5', { input: { channels: 1, height: 28, width: 28 }, classes: 10 }),
    );
    const shape = (path: string) => layers.find((layer) => layer.path === path)!.shape;
    expect(shape('c1')).toEqual([6, 28, 28]);
    expect(shape('s2')).toEqual([6, 14, 14]);
    expect(shape('c3')).toEqual([16, 10, 10]);
    expect(shape('s4')).toEqual([16, 5, 5]);
    expect(shape('c5')).toEqual([120]);
    // 400 · 120 + 120, as C5 in the paper.
    expect(layers.find(({ path }) => path === 'c5')!.parameters).toBe(48_120);
  });
});

it('random edits never crash, and what does not fit is said of a layer that is there', () => {
  const pieces: LayerSpec[] = [
    { type: 'conv2d', name: 'conv', out_channels: 6, kernel: 5, stride: 2 },
    { type: 'group_norm', name: 'norm', groups: 4 },
    { type: 'max_pool2d', name: 'pool', kernel: 4 },
    { type: 'flatten', name: 'flatten' },
    { type: 'linear', name: 'fc', out_features: 10 },
    { type: 'dropout', name: 'dropout', drop_probability: 0.5 },
    { type: 'stage', name: 'stage', layers: [] },
    { type: 'gelu', name: 'gelu' },
  ];
  let draws = 0;
  const draw = (count: number) => Math.floor(uniform(11, 0, draws++) * count);
  let faulty = 0;
  for (let trial = 0; trial < 200; trial++) {
    let spec = template(TEMPLATE_IDS[draw(TEMPLATE_IDS.length)]!, { input, classes: 10 });
    for (let step = 0; step < 6; step++) {
      const all = [...eachLayer(spec.layers)].map(({ address }) => address);
      const address = all[draw(Math.max(1, all.length))] ?? [0];
      const other = all[draw(Math.max(1, all.length))] ?? [0];
      const edits = [
        () => insert(spec, address, [pieces[draw(pieces.length)]!]),
        () => remove(spec, address),
        () => move(spec, address, other),
        () => wrap(spec, address, 1 + draw(3)),
        () => unwrap(spec, address),
        () => repeat(spec, address, 2),
      ];
      spec = edits[draw(edits.length)]!();
    }
    // A spec that is edited is a spec.
    expect(networkSpec.safeParse(spec).success).toBe(true);
    const known = new Set(paths(spec));
    const { faults } = factsOf(spec);
    for (const [path, fault] of faults) {
      const layer = path.replace(/\.(add|shortcut|downsample\.\d)$/, '');
      expect(path === '' || known.has(layer), path).toBe(true);
      expect(fault.message).toContain(path);
    }
    faulty += Number(faults.size > 0);
    let refused = false;
    try {
      buildGraph(spec, 2);
    } catch {
      refused = true;
    }
    expect(refused).toBe(faults.size > 0);
  }
  expect(faulty).toBeGreaterThan(50);
  expect(faulty).toBeLessThan(200);
});
