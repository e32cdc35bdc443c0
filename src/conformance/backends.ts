/** The backends by name. */
import type { ConformanceBackend } from './backend.ts';
import { gpuBackend } from './gpu.ts';
import { referenceBackend } from './reference.ts';

export const BACKENDS = ['gpu', 'reference'] as const;

/** Opens a backend; `openDevice` gives the GPU one a device of its own, or throws why there is none. */
export async function openBackend(
  name: (typeof BACKENDS)[number],
  openDevice: () => Promise<{ device: GPUDevice }>,
): Promise<ConformanceBackend> {
  return name === 'reference' ? referenceBackend : gpuBackend((await openDevice()).device);
}
