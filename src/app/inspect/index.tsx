import { Tabs } from 'radix-ui';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { InspectorQuestion } from '../../worker/protocol.ts';
import { readLink, writeLink } from '../chapters/link.ts';
import { useLab, useLabStore } from '../context.ts';
import { errorSentence } from '../i18n/index.ts';
import { replaceRoute } from '../route.ts';
import { useWorker } from '../worker.ts';
import { useInspected } from './ask.ts';
import type { Inspector } from './ask.ts';
import en from './en.json';
import './inspect.css';
import { Maps } from './Maps.tsx';
import { PredictionsView } from './Predictions.tsx';
import { Side } from './Side.tsx';
import { VIEWS, stateSchema } from './state.ts';
import type { InspectState, View } from './state.ts';
import { Statistics } from './Statistics.tsx';
import { Where } from './Where.tsx';
import zh from './zh.json';

export const texts = { en, zh };

/** What a link that leads nowhere is replaced by. */
const DEFAULTS: Partial<InspectState> = { layer: '', from: 'test', image: 0 };

/** Looks inside a network of the experiment, also while it trains. */
export default function InspectPage({ query }: { query: string }) {
  const { t } = useTranslation('inspect');
  const { state, refused } = useMemo(() => readLink(stateSchema, query), [query]);
  const unsupported = useLab((lab) => lab.unsupported);
  const networks = useLab((lab) => lab.networks);
  const dataset = useLab((lab) => lab.datasets[lab.config.data]);
  const [own, setOwn] = useState<Uint8Array | null>(null);
  useExperiment();

  const change = (part: Partial<InspectState>) =>
    replaceRoute({ page: 'inspect', query: writeLink(stateSchema, { ...state, ...part }, query) });
  const ids = networks.map(({ id }) => id);
  const network = ids.includes(state.network) ? state.network : (ids[0] ?? '');
  const count = (state.from === 'test' ? dataset?.testCount : dataset?.trainCount) ?? 1;
  const { from, layer, view } = state;
  const image = Math.min(state.image, count - 1);
  const question = useMemo<InspectorQuestion | null>(
    () =>
      network === ''
        ? null
        : {
            network,
            picture: own ? { kind: 'own', bytes: own } : { kind: from, index: image },
            path: layer === '' ? undefined : layer,
          },
    [network, own, from, image, layer],
  );
  const ask = useCallback(
    (inspector: Inspector, following: boolean) =>
      question ? inspector.features(question, following) : Promise.resolve(null),
    [question],
  );
  // The other views follow the training by questions of their own.
  const { answer, failure } = useInspected(ask, view === 'maps' || view === 'predictions');
  const features = answer?.network === network ? answer : null;
  const said = failure ?? unsupported;

  return (
    <main className="inspect">
      <Side
        state={state}
        change={change}
        features={features}
        network={network}
        networks={ids}
        count={count}
        own={own !== null}
        onOwn={setOwn}
      />
      <Tabs.Root
        className="inspect-main"
        value={view}
        onValueChange={(next) => change({ view: next as View })}
      >
        <Tabs.List className="tabs" aria-label={t('title')}>
          {VIEWS.map((each) => (
            <Tabs.Trigger key={each} value={each}>
              {t(`views.${each}`)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {refused.length > 0 && (
          <p className="note">{t('refused', { names: refused.join(', ') })}</p>
        )}
        {said && (
          <p className="note" role="alert">
            {errorSentence(said)}{' '}
            {failure && (
              <button type="button" onClick={() => change(DEFAULTS)}>
                {t('again')}
              </button>
            )}
          </p>
        )}
        {!said && !(features && question) && (
          <p className="inspect-wait" role="status">
            {t('waiting')}
          </p>
        )}
        {features && question && (
          <>
            <Tabs.Content className="inspect-view" value="maps">
              <Maps features={features} />
            </Tabs.Content>
            <Tabs.Content className="inspect-view" value="where">
              <Where question={question} />
            </Tabs.Content>
            <Tabs.Content className="inspect-view" value="statistics">
              <Statistics network={network} layer={features.path} />
            </Tabs.Content>
            <Tabs.Content className="inspect-view" value="predictions">
              <PredictionsView
                features={features}
                network={network}
                testCount={dataset?.testCount ?? 0}
                onPick={(index) => {
                  setOwn(null);
                  change({ from: 'test', image: index });
                }}
              />
            </Tabs.Content>
          </>
        )}
      </Tabs.Root>
    </main>
  );
}

/** Has the experiment built where nobody has asked for one yet; frees what looking has kept when the page is left. */
function useExperiment(): void {
  const store = useLabStore();
  const inspector = useWorker();
  const device = useLab((lab) => lab.device);
  useEffect(() => {
    const { asked, open } = store.getState();
    if (device && asked === store.getInitialState().asked) open('#/');
  }, [store, device]);
  useEffect(() => () => void inspector.leave(), [inspector]);
}
