/** When a norm by its running estimates is left to the convolution in front of it, and when it is not. */
import { expect, test } from 'vitest';
import { Lowering, Recorder, tensor } from '../../src/engine/graph/lower.ts';
import type { LoweringOptions } from '../../src/engine/graph/lower.ts';
import { graphNode, graphParameters, graphState } from '../../src/network/graph.ts';
import type { GraphNode, Value } from '../../src/network/graph.ts';
import { ops } from '../../src/ops/table.ts';

const shape = [2, 4, 6, 6];
const x: Value = { name: 'x', shape };
const conv = graphNode('conv', ops.conv2d, { out_channels: 4, kernel: 3, padding: 1 }, { x });
const grouped = graphNode(
  'conv',
  ops.conv2d,
  { out_channels: 4, kernel: 3, padding: 1, groups: 2 },
  { x },
);
const norm = graphNode('norm', ops.batch_norm, {}, { x: conv.output });

interface Case extends LoweringOptions {
  nodes: GraphNode[];
  output?: Value;
  training?: boolean;
}

/** Paths of the layers that dispatch something, in order. */
function paths({ nodes, output = nodes.at(-1)!.output, training = false, ...options }: Case) {
  const graph = { name: 'graph', input: x, output, nodes };
  const parameters = new Map(
    graphParameters(graph).map(({ name, shape: of, layout }) => [
      name,
      tensor(name, of, layout, 'parameter'),
    ]),
  );
  const state = new Map(
    graphState(graph).map(({ name, shape: of, layout }) => [
      name,
      tensor(name, of, layout, 'state'),
    ]),
  );
  const recorder = new Recorder();
  const network = { parameters, gradients: parameters, state };
  const behaviour = { training, sampling: training };
  const lowering = new Lowering(recorder, graph, network, behaviour, {
    unobserved: true,
    ...options,
  });
  lowering.values.set(x, tensor('x', shape, 'image', 'external'));
  lowering.forward();
  return recorder.dispatches.map(({ path }) => path);
}

test('a norm that alone takes a convolution is left to it', () => {
  expect(paths({ nodes: [conv, norm] })).toEqual(['conv']);
  const shortcut = graphNode('norm', ops.batch_norm, {}, { x: conv.output, shortcut: x });
  expect(paths({ nodes: [conv, shortcut] })).toEqual(['conv']);
});

test('a frozen norm is left to it with the batch’s statistics, too, and nobody takes moments', () => {
  const frozen = graphNode('norm', ops.batch_norm, { frozen: true }, { x: conv.output });
  expect(paths({ nodes: [conv, frozen], training: true })).toEqual(['conv']);
});

const twice = graphNode('norm', ops.batch_norm, {}, { x: conv.output, shortcut: conv.output });
const other = graphNode('other', ops.relu, {}, { x: conv.output });
const behindGroups = graphNode('norm', ops.batch_norm, {}, { x: grouped.output });
test.each<[string, Case]>([
  ['in training', { nodes: [conv, norm], training: true }],
  ['where somebody looks', { nodes: [conv, norm], unobserved: false }],
  ['without fusion', { nodes: [conv, norm], fusion: false }],
  ['where another layer takes the convolution', { nodes: [conv, other, norm] }],
  ['where the convolution is the shortcut as well', { nodes: [conv, twice] }],
  ['where the convolution is the output', { nodes: [conv, norm], output: conv.output }],
  ['behind several groups', { nodes: [grouped, behindGroups] }],
])('it is not %s', (_, options) => {
  expect(paths(options)).toContain('norm');
});
