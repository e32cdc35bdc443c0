/**
 * An optimizer case holds several parameters and several steps: `w_0` at the start, `grad_w_step1`,
 * `grad_w_step2`, …; expected are `w_after_step1` and the state, `w.momentum_buffer_after_step1`.
 */
import { FathomError } from '../errors.ts';
import { need } from '../reference/tensor.ts';
import type { Tensors } from '../reference/tensor.ts';

export const OPTIMIZERS: readonly string[] = ['sgd', 'adam', 'adamw'];

/**
 * Unrolls a case into single steps of single parameters and names their results as the case does.
 *
 * @param step takes `param`, `grad` and the state that the step before returned (none at first);
 *   returns `param` and the new state
 */
export async function unrollOptimizer(
  inputs: Tensors,
  step: (inputs: Tensors) => Tensors | Promise<Tensors>,
): Promise<Tensors> {
  const outputs: Tensors = {};
  const unused = new Set(Object.keys(inputs));
  const take = (name: string) => {
    unused.delete(name);
    return need(inputs, name);
  };
  for (const start of Object.keys(inputs).filter((name) => /_0$/.test(name))) {
    const name = start.slice(0, -'_0'.length);
    let state: Tensors = { param: take(start) };
    for (let t = 1; inputs[`grad_${name}_step${t}`]; t++) {
      state = await step({ ...state, grad: take(`grad_${name}_step${t}`) });
      for (const [key, value] of Object.entries(state)) {
        outputs[key === 'param' ? `${name}_after_step${t}` : `${name}.${key}_after_step${t}`] =
          value;
      }
    }
  }
  const [stray] = unused;
  if (stray) {
    throw new FathomError('conformance-input', `the input "${stray}" belongs to no step`, {
      stray,
    });
  }
  return outputs;
}
