/**
 * The one error class of Fathom: what went wrong, where, and what to do about it.
 *
 * `code` is stable and names an i18n key (`error.<code>`) with `details` as its interpolation values,
 * so that the app can say it in the reader's language; `message` is the same sentence in English, for
 * the terminal and for logs.
 */
export class FathomError extends Error {
  readonly code: string;
  readonly details: Record<string, string | number>;
  /** The error behind this one, which says why. */
  declare readonly cause?: FathomError;

  constructor(
    code: string,
    message: string,
    details: Record<string, string | number> = {},
    cause?: FathomError,
  ) {
    super(message, cause && { cause });
    this.name = 'FathomError';
    this.code = code;
    this.details = details;
  }
}
