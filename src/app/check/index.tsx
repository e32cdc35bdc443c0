import { proxy } from 'comlink';
import { Check, Copy, Play, Square, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CheckResult, Failure } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';
import { errorSentence } from '../i18n/index.ts';
import { useWorker } from '../worker.ts';
import en from './en.json';
import { reportText, reportsOf } from './report.ts';
import zh from './zh.json';

export const texts = { en, zh };

/** “Is this right on my GPU?”: the sweep of the tests, on the visitor's own adapter. */
export default function CheckPage() {
  const { t } = useTranslation('check');
  const instruments = useWorker();
  const device = useLab((state) => state.device);
  const unsupported = useLab((state) => state.unsupported);
  const [results, setResults] = useState<CheckResult[]>([]);
  const [total, setTotal] = useState(0);
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [copied, setCopied] = useState(false);
  const wanted = useRef(false);
  const name = device?.description || device?.architecture || device?.vendor || '';
  const reports = reportsOf(results);
  const failed = reports.filter(({ passed }) => !passed).length;
  const done = !running && total > 0 && results.length === total;

  const start = async () => {
    wanted.current = true;
    setResults([]);
    setFailure(null);
    setCopied(false);
    setRunning(true);
    try {
      await instruments.check(
        proxy((result: CheckResult, count: number) => {
          setTotal(count);
          setResults((before) => [...before, result]);
          return wanted.current;
        }),
      );
    } catch (error) {
      setFailure(error as Failure);
    }
    setRunning(false);
  };
  const copy = async () => {
    if (!device) return;
    await navigator.clipboard.writeText(reportText(results, total, device, navigator.userAgent));
    setCopied(true);
  };

  return (
    <main className="check">
      <h2>{t('title')}</h2>
      <p>{t('lead')}</p>
      {unsupported && <p className="note">{errorSentence(unsupported)}</p>}
      {failure && <p className="note">{errorSentence(failure)}</p>}
      <div className="check-tools">
        {running ? (
          <button type="button" onClick={() => (wanted.current = false)}>
            <Square aria-hidden size={16} />
            {t('stop')}
          </button>
        ) : (
          <button type="button" className="primary" disabled={!device} onClick={() => void start()}>
            <Play aria-hidden size={16} />
            {t('start')}
          </button>
        )}
        <button type="button" disabled={results.length === 0} onClick={() => void copy()}>
          <Copy aria-hidden size={16} />
          {copied ? t('copied') : t('copy')}
        </button>
        <p role="status">
          {total > 0 && t('progress', { done: results.length, total })}
          {done && (
            <strong data-passed={failed === 0}>
              {failed === 0 ? t('passed', { name }) : t('failed', { failed })}
            </strong>
          )}
        </p>
      </div>
      {total > 0 && <progress value={results.length} max={total} />}
      {reports.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{t('op')}</th>
              <th scope="col">{t('samples')}</th>
              <th scope="col">{t('kernel')}</th>
              <th scope="col">{t('gradient')}</th>
              <th scope="col">{t('result')}</th>
            </tr>
          </thead>
          <tbody>
            {reports.map(({ op, samples, kernel, gradient, passed }) => (
              <tr key={op} data-passed={passed}>
                <th scope="row">
                  <code>{op}</code>
                </th>
                <td>{samples}</td>
                <td>{percentOf(kernel.kernel)}</td>
                <td>{percentOf(gradient.gradient)}</td>
                <td>
                  {passed ? <Check aria-hidden size={16} /> : <X aria-hidden size={16} />}{' '}
                  {passed ? t('right') : (kernel.failure ?? t('wrong'))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="quietly">{t('how')}</p>
    </main>
  );
}

/** An error as a share of what is allowed. */
const percentOf = (ratio: number): string =>
  Number.isFinite(ratio) ? `${(100 * ratio).toFixed(ratio < 0.01 ? 2 : 0)}\u202f%` : '∞';
