import type { Failure } from '../../worker/protocol.ts';
import { errorSentence } from '../i18n/index.ts';
import { ReplaceKept } from '../parts/ReplaceKept.tsx';

/** Why a set lies in memory only; where another one of its name is kept, the reader may replace that. */
export function NotKept({ failure }: { failure: Failure }) {
  return (
    <div className="note not-kept" role="alert">
      <p>{errorSentence(failure)}</p>
      <ReplaceKept failure={failure} />
    </div>
  );
}
