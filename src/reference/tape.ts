/**
 * Reverse-mode differentiation of a composition of ops: the tape notes every op as it is applied and
 * plays them back to front. Griewank & Walther 2008, "Evaluating Derivatives", chapter 3.
 */
import type { z } from 'zod';
import type { ReferenceOp } from './op.ts';
import { map, need } from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';

export class Tape {
  private readonly backwardSteps: ((gradients: Map<Tensor, Tensor>) => void)[] = [];

  /**
   * Applies an op, remembers it and returns its first result, y. `also` receives all results where
   * others are wanted too (running statistics, probabilities).
   */
  apply<P extends z.ZodType>(
    op: ReferenceOp<P>,
    params: z.input<P>,
    inputs: Tensors,
    also: (outputs: Tensors) => void = () => {},
  ): Tensor {
    const parsed = op.params.parse(params);
    const outputs = op.forward(parsed, inputs);
    also(outputs);
    const y = need(outputs, 'y');
    this.backwardSteps.push((gradients) => {
      const gradOutput = gradients.get(y);
      if (!gradOutput || !op.backward) return;
      const ofInputs = op.backward(parsed, inputs, outputs, gradOutput);
      for (const [name, gradient] of Object.entries(ofInputs)) {
        const input = need(inputs, name);
        // A tensor that several ops used receives the sum of their gradients.
        const others = gradients.get(input);
        gradients.set(input, others ? map(gradient, (g, i) => g + others.data[i]!) : gradient);
      }
    });
    return y;
  }

  /** dL/d of every tensor that y depends on, by tensor, from gradOutput = dL/dy. */
  gradients(y: Tensor, gradOutput: Tensor): Map<Tensor, Tensor> {
    const gradients = new Map([[y, gradOutput]]);
    for (const step of this.backwardSteps.toReversed()) step(gradients);
    return gradients;
  }
}
