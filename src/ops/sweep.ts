/** What the sweeps over all ops have in common, in the tests and on the page: all samples of the op table, and the reference run on them. */
import type { Op } from './op.ts';
import { referenceParams } from './reference_run.ts';
import { normalTensor, sampleInputs } from './sample.ts';
import type { Sample } from './sample.ts';
import { ops } from './table.ts';
import { need } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';

export interface OpSample {
  title: string;
  op: Op;
  sample: Sample;
}

/** Every sample of every op of the table. */
export const SWEEP: readonly OpSample[] = Object.values<Op>(ops).flatMap((op) =>
  op.samples.map((sample) => ({ title: titleOf(op, sample), op, sample })),
);

function titleOf(op: Op, { params, inputs, training = true }: Sample): string {
  const shapes = Object.entries(inputs).map(
    ([name, input]) => `${name}[${'data' in input ? input.shape : input}]`,
  );
  return `${op.name} ${JSON.stringify(params)} ${shapes.join(' ')}${training ? '' : ' evaluating'}`;
}

export interface ReferenceRun {
  inputs: Tensors;
  gradOutput: Tensor;
  /** By the reference's names. */
  outputs: Tensors;
  grads: Tensors;
}

/** The reference forward and backward on a sample, with a random dL/dy unless one is given. */
export function runReferenceOp(op: Op, sample: Sample, given?: Tensor): ReferenceRun {
  const params = referenceParams(op, sample.params, sample.training);
  const inputs = sampleInputs(sample);
  const outputs = op.reference.forward(params, inputs);
  const gradOutput = given ?? normalTensor(need(outputs, 'y').shape, 'dL/dy');
  const grads = op.reference.backward?.(params, inputs, outputs, gradOutput) ?? {};
  return { inputs, gradOutput, outputs, grads };
}
