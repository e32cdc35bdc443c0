/** The float64 TypeScript ops as a backend: `--backend reference`. */
import { runReference, stepReference } from '../network/reference.ts';
import type { OptimizerState, ReferenceState } from '../network/reference.ts';
import { reference } from '../reference/index.ts';
import type { ConformanceBackend, NetworkResult } from './backend.ts';
import { explain } from './format.ts';
import { OPTIMIZERS, unrollOptimizer } from './optimizer.ts';

export const referenceBackend: ConformanceBackend = {
  async runOp(name, given, inputs, gradOutput) {
    const op = reference[name];
    if (!op) return { unsupported: `no op named "${name}"` };
    const params = op.params.safeParse(given);
    if (!params.success) return { unsupported: `${name}: ${explain(params.error)}` };
    if (OPTIMIZERS.includes(name)) {
      const outputs = await unrollOptimizer(inputs, (step) => op.forward(params.data, step));
      return { outputs, grads: {} };
    }
    if (op.inputs) {
      const known = new Set([...op.inputs, ...(op.optional ?? [])]);
      const unknown = Object.keys(inputs).find((input) => !known.has(input));
      if (unknown) return { unsupported: `${name} has no input named "${unknown}"` };
    }
    const outputs = op.forward(params.data, inputs);
    const grads =
      gradOutput && op.backward ? op.backward(params.data, inputs, outputs, gradOutput) : {};
    return { outputs, grads };
  },

  async runNetwork({ network, x, labels, parameters, steps }) {
    if (!network) return { unsupported: 'the case names no network' };
    const { spec, optimizer } = network;
    let state: ReferenceState = { parameters, running: {} };
    let kept: OptimizerState = {};
    const first = runReference(spec, state, x, labels);
    const result: NetworkResult = { ...first, losses: [], parameters: {} };
    for (let step = 1, pass = first; ; step++) {
      result.losses.push(pass.loss);
      if (step > steps) return result;
      const next = stepReference(state.parameters, pass.gradients, kept, optimizer);
      state = { parameters: next.parameters, running: pass.running };
      kept = next.state;
      if (step === 1) result.parameters = state.parameters;
      pass = runReference(spec, state, x, labels);
    }
  },
};
