/** Errors as they cross to the page: of an Error only its message would arrive. */
import { FathomError } from '../errors.ts';
import type { Failure } from './protocol.ts';

/** What an error says to the page: its code and details where it is one of ours. */
export function describeError(error: unknown): Failure {
  if (error instanceof FathomError) {
    const { code, message, details, cause } = error;
    return { code, message, details, ...(cause && { cause: describeError(cause) }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unexpected', message, details: { message } };
}

/** The answer, or a rejection that the page can read. */
export async function plainly<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw describeError(error);
  }
}
