import { Dices, Pause, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { FeaturesAnswer } from '../../worker/protocol.ts';
import { Picture } from '../chapters/Picture.tsx';
import { useLab } from '../context.ts';
import { integer, percent } from '../format.ts';
import { className } from '../i18n/index.ts';
import { Choice, IconButton, NumberField, Segmented } from '../parts/controls.tsx';
import { canResume } from '../store.ts';
import { Layers } from './Layers.tsx';
import { OwnPicture } from './OwnPicture.tsx';
import type { InspectState } from './state.ts';

interface SideProps {
  state: InspectState;
  change: (part: Partial<InspectState>) => void;
  features: FeaturesAnswer | null;
  network: string;
  networks: readonly string[];
  /** Pictures of the part of the set that is looked at. */
  count: number;
  /** Whether a picture of the reader's own is inspected. */
  own: boolean;
  onOwn: (bytes: Uint8Array | null) => void;
}

/** What is inspected: network, picture, layer. */
export function Side(props: SideProps) {
  const { state, change, features, network, networks } = props;
  const { t, i18n } = useTranslation('inspect');
  return (
    <aside className="inspect-side" aria-label={t('side.label')}>
      <div className="inspect-row">
        <Choice
          id="network"
          label={t('side.network')}
          description={t('side.network')}
          value={network}
          options={networks.map((id) => ({ value: id, name: id }))}
          onChange={(id) => change({ network: id, layer: '' })}
        />
        <RunButton />
      </div>
      <p className="quietly" data-testid="iteration">
        {features && t('side.iteration', { iteration: integer(features.iteration, i18n.language) })}
      </p>
      <PictureOf {...props} />
      {features && (
        <Layers
          layers={features.layers}
          chosen={chosenLayer(state.layer, features)}
          onChoose={(layer) => change({ layer })}
        />
      )}
    </aside>
  );
}

function RunButton() {
  const { t: common } = useTranslation();
  const run = useLab((state) => state.run);
  const start = useLab((state) => state.start);
  const pause = useLab((state) => state.pause);
  if (run === 'running') {
    return (
      <button type="button" onClick={pause}>
        <Pause aria-hidden size={16} />
        {common('transport.pause')}
      </button>
    );
  }
  const idle = run === 'ready' || canResume(run);
  return (
    <button type="button" className="primary" disabled={!idle} onClick={start}>
      <Play aria-hidden size={16} />
      {common(canResume(run) ? 'transport.resume' : 'transport.start')}
    </button>
  );
}

/** The layer that was asked for, while its answer is still on the way; without one, the layer that was answered. */
const chosenLayer = (asked: string, { layers, path }: FeaturesAnswer): string =>
  layers.some((layer) => layer.path === asked) ? asked : path;

function PictureOf({ state, change, features, count, own, onOwn }: SideProps) {
  const { t, i18n } = useTranslation('inspect');
  const { from, image } = state;
  const last = Math.max(0, count - 1);
  const at = Math.min(image, last);
  const within = (wish: number) => Math.max(0, Math.min(last, Math.round(wish)));
  const pick = (next: number) => change({ image: within(next) });
  const name = (c: number) => className(features?.classes[c] ?? '');
  const [, channels = 3, height = 1, width = 1] = features?.picture.shape ?? [];
  return (
    <section className="inspect-picture" aria-label={t('side.picture')}>
      {features && (
        <Picture of={features.picture} statistics={features.statistics} label={t('side.picture')} />
      )}
      <div>
        {features && (
          <p data-testid="said">
            {features.label !== null && (
              <>
                {t('side.truth')} <b>{name(features.label)}</b>
                <br />
              </>
            )}
            {t('side.answer')} <Likeliest features={features} language={i18n.language} />
          </p>
        )}
        <Segmented
          label={t('side.from')}
          value={own ? 'own' : from}
          options={[
            { value: 'test', name: t('side.test') },
            { value: 'train', name: t('side.train') },
            { value: 'own', name: t('side.own') },
          ]}
          onChange={(next) => {
            if (next === 'own') return onOwn(new Uint8Array(channels * height * width));
            onOwn(null);
            change({ from: next, image: 0 });
          }}
        />
        {!own && (
          <div className="inspect-row">
            <NumberField
              label={t('side.image')}
              value={at}
              min={0}
              max={last}
              nearest={within}
              step={(direction) => within(at + direction)}
              onChange={pick}
            />
            <IconButton
              name={t('side.random')}
              onClick={() => pick(Math.floor(Math.random() * count))}
            >
              <Dices aria-hidden size={18} />
            </IconButton>
          </div>
        )}
      </div>
      {own && features && <OwnPicture format={{ channels, height, width }} onPicture={onOwn} />}
    </section>
  );
}

function Likeliest({ features, language }: { features: FeaturesAnswer; language: string }) {
  const { classes, probabilities } = features;
  const most = Math.max(...probabilities);
  return (
    <>
      <b>{className(classes[probabilities.indexOf(most)] ?? '')}</b> {percent(most, language)}
    </>
  );
}
