/** What a sample of the op table becomes on a GPU, without one. */
import { Lowering, Recorder, tensor } from '../src/engine/graph/lower.ts';
import type { Dispatch } from '../src/engine/graph/lower.ts';
import { graphNode } from '../src/network/graph.ts';
import { runReferenceOp } from '../src/ops/sweep.ts';
import type { OpSample } from '../src/ops/sweep.ts';
import type { Layout, Shape } from '../src/ops/tensor.ts';
import { TUNINGS } from '../src/ops/tuning.ts';
import type { TuningName } from '../src/ops/tuning.ts';

/** The dispatches of a sample, forward and backward. */
export function lowered(
  { op, sample }: Pick<OpSample, 'op' | 'sample'>,
  tuning: TuningName,
): Dispatch[] {
  const { inputs, outputs } = runReferenceOp(op, sample);
  const { training = true } = sample;
  const names = ['x', 'a', 'b', 'mask', 'shortcut'].filter((name) => name in inputs);
  const values = names.map((name) => [name, { name, shape: inputs[name]?.shape ?? [] }] as const);
  const node = graphNode(op.name, op, sample.params, Object.fromEntries(values));
  const recorder = new Recorder(TUNINGS[tuning]);
  const own = (specs: Record<string, { shape: Shape; layout: Layout }>) =>
    new Map(
      Object.entries(specs).map(([name, { shape, layout }]) => [
        `${op.name}.${name}`,
        tensor(name, shape, layout, 'parameter'),
      ]),
    );
  const parameters = own(node.parameters);
  const network = { parameters, gradients: parameters, state: own(node.state) };
  const graph = { name: 'one', input: node.output, output: node.output, nodes: [node] };
  const lowering = new Lowering(recorder, graph, network, { training, sampling: training });
  for (const [name, value] of values) {
    lowering.values.set(value, tensor(name, value.shape, 'image', 'external'));
  }
  lowering.forward();
  const y = lowering.values.get(node.output)!;
  lowering.gradients.set(y, tensor('dy', outputs.y?.shape ?? [], 'image', 'external'));
  lowering.backward(() => true);
  return recorder.dispatches;
}

/** The kernels of a sample on its shapes: two samples with the same ones compute the same. */
export const kernelsOf = (sample: OpSample, tuning: TuningName): string[] =>
  lowered(sample, tuning).map(({ shader, entry, constants, workgroups }) =>
    JSON.stringify([shader, entry, constants, workgroups]),
  );
