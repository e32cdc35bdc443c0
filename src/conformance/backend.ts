/**
 * What computes the cases: the float64 reference or the GPU kernels. Tensors go in and come back in
 * the order of the files, whatever layout a backend uses inside.
 */
import type { Tensor, Tensors } from '../reference/tensor.ts';
import type { NetworkCase } from './format.ts';

/** Why a backend cannot compute a case; the case is then skipped, never passed. */
export interface Unsupported {
  unsupported: string;
}

export interface OpResult {
  /** Results by the names of the case's `outputs`. */
  outputs: Tensors;
  /** dL/d input by the input's name. */
  grads: Tensors;
}

export interface NetworkResult {
  /** Losses before steps 1, 2, …, and after the last: one more than the case's `steps`. */
  losses: number[];
  /** [N, classes], before the first step. */
  logits: Tensor;
  /** dL/d parameter at the first step, by torchvision's names. */
  gradients: Tensors;
  /** Parameters after the first step. */
  parameters: Tensors;
  /** Running statistics after the first step. */
  running: Tensors;
}

export interface ConformanceBackend {
  /**
   * Computes one op.
   *
   * @param params settings of the op, free of remarks; one that the backend does not know must lead
   *   to {@link Unsupported}
   * @param gradOutput dL/dy; absent where the case asks for no gradients
   */
  runOp(
    op: string,
    params: Record<string, unknown>,
    inputs: Tensors,
    gradOutput: Tensor | undefined,
  ): Promise<OpResult | Unsupported>;
  /** Trains the case's network for `steps` steps on its batch. */
  runNetwork(network: NetworkCase): Promise<NetworkResult | Unsupported>;
  /** Frees what the backend holds. */
  close?(): void | Promise<void>;
}
