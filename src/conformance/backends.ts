/** The backends by name. */
import { FathomError } from '../errors.ts';
import type { ConformanceBackend } from './backend.ts';
import { referenceBackend } from './reference.ts';

export const BACKENDS = ['gpu', 'reference'] as const;

/** Opens a backend. Throws a FathomError when this machine or this version does not have it. */
export async function openBackend(name: (typeof BACKENDS)[number]): Promise<ConformanceBackend> {
  if (name === 'reference') return referenceBackend;
  throw new FathomError(
    'conformance-backend',
    'this version has no GPU backend for conformance cases; try --backend reference',
    { name },
  );
}
