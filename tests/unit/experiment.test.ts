/** What an experiment is made of before any of it reaches the GPU: names of networks, the pictures that take part. */
import { describe, expect, it } from 'vitest';
import { FathomError } from '../../src/errors.ts';
import { BatchOrder, balancedSubset } from '../../src/lab/batches.ts';
import {
  VARIANTS,
  changesOf,
  cifarNetwork,
  formatNetworkId,
  parseNetworkId,
} from '../../src/network/families.ts';
import { buildGraph } from '../../src/network/graph.ts';

const build = (id: string) => {
  const { depth, residual, ...rest } = parseNetworkId(id);
  const input = { channels: 3, height: 8, width: 8 };
  return cifarNetwork({ depth, residual, width: 8, input, classes: 10, ...changesOf(rest) });
};
const opsOf = (id: string) => new Set(buildGraph(build(id), 2).nodes.map(({ op }) => op.name));

describe('names of networks', () => {
  it.each(['plain-20', 'residual-56', 'residual-20.group_norm.gelu', 'plain-8.no_norm.init_small'])(
    'read and written are the same: %s',
    (id) => expect(formatNetworkId(parseNetworkId(id))).toBe(id),
  );

  it.each([
    ['plain-21', 'network-id'],
    ['residual-20.', 'network-id'],
    ['residual-20.batchnorm', 'network-variant'],
    ['residual-20.gelu.tanh', 'network-variant'],
    ['residual-20.gelu.gelu', 'network-variant'],
  ])('%s is refused (%s)', (id, code) => {
    expect(() => parseNetworkId(id)).toThrow(FathomError);
    expect(() => parseNetworkId(id)).toThrow(expect.objectContaining({ code }));
  });

  it('every variant builds, and changes the network', () => {
    const usual = JSON.stringify(build('residual-8').layers);
    for (const name of Object.values(VARIANTS).flatMap((kind) => Object.keys(kind))) {
      const spec = build(`residual-8.${name}`);
      expect(() => buildGraph(spec, 2), name).not.toThrow();
      expect(JSON.stringify(spec.layers), name).not.toBe(usual);
    }
  });

  it('variants stand where they belong', () => {
    expect(opsOf('residual-8.group_norm.gelu')).toEqual(
      new Set([
        'conv2d',
        'group_norm',
        'gelu',
        'add',
        'shortcut_option_a',
        'global_avg_pool',
        'linear',
      ]),
    );
    expect([...opsOf('plain-8.no_norm')].filter((name) => name.endsWith('norm'))).toEqual([]);
    expect(opsOf('plain-8.dropout50')).toContain('dropout');
    const { init } = build('plain-8.init_small').layers[0] as { init?: unknown };
    expect(init).toEqual({ kind: 'normal', std: 0.01 });
  });
});

describe('the pictures that take part', () => {
  const labels = [0, 0, 0, 0, 1, 2, 2, 1, 0, 2];

  it('are as many of each class, the first of each', () => {
    expect([...balancedSubset(labels, 3)]).toEqual([0, 4, 5]);
    expect([...balancedSubset(labels, 7)].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6, 7]);
  });

  it('are all with 0, and where there are no more', () => {
    for (const count of [0, 10, 99]) expect(balancedSubset(labels, count)).toHaveLength(10);
  });

  it('come once each in an epoch, in another order in the next', () => {
    const pictures = Uint32Array.of(3, 14, 15, 92, 65, 35);
    const order = new BatchOrder(pictures, 2, 1);
    const epoch = (first: number) => [0, 1, 2].flatMap((t) => [...order.at(first + t)]);
    const [one, two] = [epoch(0), epoch(3)];
    for (const seen of [one, two]) {
      expect(seen.toSorted((a, b) => a - b)).toEqual([...pictures].toSorted((a, b) => a - b));
    }
    expect(two).not.toEqual(one);
  });
});
