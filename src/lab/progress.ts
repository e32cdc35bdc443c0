/** Work that tells how far it is, and ends where nobody waits for it any more. */
import { FathomError } from '../errors.ts';

/** Waited for; false gives the work up. */
export type Progress = (done: number, total: number) => unknown;

/** @throws FathomError `given-up` */
export async function going(progress: Progress, done: number, total: number): Promise<void> {
  if ((await progress(done, total)) !== false) return;
  throw new FathomError('given-up', 'nobody waits for this any more');
}
