import { Dices, Download, Play, Square } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { surfaceFiles } from './files.ts';
import { Control } from '../chapters/controls.tsx';
import { readLink, writeLink } from '../chapters/link.ts';
import { useLab } from '../context.ts';
import { Formula } from '../drawing/Formula.tsx';
import { span } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { Choice, IconButton, Segmented } from '../parts/controls.tsx';
import { replaceRoute } from '../route.ts';
import { useEstimate, useSurveys } from './ask.ts';
import en from './en.json';
import { Line } from './Line.tsx';
import { Planes } from './Planes.tsx';
import { IMAGES, RANGES, SIDES, pairOf, questionsOf, schema } from './state.ts';
import type { State } from './state.ts';
import '../chapters/chapters.css';
import './surface.css';
import zh from './zh.json';

export const texts = { en, zh };

const PLANE = {
  tex: String.raw`L(\alpha,\beta) = \frac1N \sum_{i=1}^{N} \ell\bigl(x_i;\; \theta + \alpha\,\delta + \beta\,\eta\bigr), \qquad \delta_f \leftarrow \frac{\lVert \theta_f \rVert}{\lVert \delta_f \rVert}\, \delta_f`,
  plain: 'L(α, β) = mean ℓ(xᵢ; θ + αδ + βη), δ_f ← ‖θ_f‖ / ‖δ_f‖ · δ_f',
};
const LINE = {
  tex: String.raw`L(\alpha) = \frac1N \sum_{i=1}^{N} \ell\bigl(x_i;\; (1 - \alpha)\,\theta + \alpha\,\theta'\bigr)`,
  plain: 'L(α) = mean ℓ(xᵢ; (1 − α)θ + αθ′)',
};

/** The loss around two networks: on a plane through the weights of each, or along a line. */
export default function SurfacePage({ query }: { query: string }) {
  const { t, i18n } = useTranslation('surface');
  const { state, refused } = readLink(schema, query);
  const change = (part: Partial<State>) =>
    replaceRoute({ page: 'surface', query: writeLink(schema, { ...state, ...part }, query) });
  const ids = useLab(({ config }) => config.networks).map(String);
  const run = useLab((lab) => lab.run);
  const dataset = useLab(({ config, datasets }) => datasets[config.data]);
  const unsupported = useLab((lab) => lab.unsupported);
  const ready = run !== 'empty' && run !== 'preparing' && !unsupported;
  const pair = pairOf(state, ids);
  const questions = questionsOf(state, pair);
  const surveys = useSurveys();
  const pictures = (state.split === 'train' ? dataset?.trainCount : dataset?.testCount) ?? 0;
  const seconds = useEstimate(questions, pictures, ready && !surveys.running);
  const figures = useRef<HTMLDivElement>(null);
  const { found } = surveys;
  const total = found.reduce(
    (sum, { question: { along, points } }) =>
      sum + (along.kind === 'plane' ? points * points : points),
    0,
  );
  const done = found.reduce((sum, { points }) => sum + points.length, 0);
  const shown = found[0]?.question.along.kind;
  const numbers = (values: readonly string[]) => values.map((value) => ({ value, name: value }));
  const formula = state.along === 'plane' ? PLANE : LINE;
  const files = useMemo(() => surfaceFiles(found), [found]);

  const networkChoice = (side: 'left' | 'right') => (
    <Choice
      id={`surface-${side}`}
      label={t(side)}
      description={t('networkTip')}
      value={pair[side === 'left' ? 0 : 1]}
      options={ids.map((value) => ({ value, name: value }))}
      onChange={(value) => change(side === 'left' ? { left: value } : { right: value })}
    />
  );

  return (
    <main className="surface">
      <header>
        <h2>{t('title')}</h2>
        <p className="lead">{t(state.along === 'plane' ? 'leadPlane' : 'leadLine')}</p>
        <Formula {...formula} />
      </header>
      {unsupported && <p className="note">{errorSentence(unsupported)}</p>}
      {refused.length > 0 && <p className="note">{t('refused', { names: refused.join(', ') })}</p>}
      {run === 'empty' && !unsupported && (
        <p className="note">
          {t('noExperiment')} <a href="#/">{t('openExperiment')}</a>
        </p>
      )}
      <section className="surface-bench" aria-label={t('settings')}>
        <div className="controls">
          <Segmented
            label={t('along.label')}
            value={state.along}
            options={(['plane', 'line'] as const).map((value) => ({
              value,
              name: t(`along.${value}`),
            }))}
            onChange={(along) => change({ along })}
          />
          <Control name="networks" label={t('networks')}>
            {networkChoice('left')}
            {networkChoice('right')}
          </Control>
          {state.along === 'plane' ? (
            <>
              <Control name="range" label={t('range')}>
                <Segmented
                  label={t('range')}
                  value={state.range}
                  options={RANGES.map((value) => ({ value, name: `±${value}` }))}
                  onChange={(range) => change({ range })}
                />
              </Control>
              <Control name="seed" label={t('seed')}>
                <IconButton
                  name={t('again', { seed: state.seed })}
                  onClick={() => change({ seed: (state.seed + 1) % 10_000 })}
                >
                  <Dices aria-hidden size={18} />
                </IconButton>
              </Control>
            </>
          ) : (
            <Control name="to" label={t('to.label')}>
              <Segmented
                label={t('to.label')}
                value={state.to}
                options={(['start', 'other'] as const).map((value) => ({
                  value,
                  name: t(`to.${value}`),
                }))}
                onChange={(to) => change({ to })}
              />
            </Control>
          )}
          <Control name="points" label={t('points')}>
            <Choice
              id="surface-points"
              label={t('points')}
              description={t('pointsTip')}
              value={state.points}
              options={SIDES.map((value) => ({
                value,
                name: state.along === 'plane' ? `${value} × ${value}` : value,
              }))}
              onChange={(points) => change({ points })}
            />
          </Control>
          <Control name="images" label={t('images')}>
            <Choice
              id="surface-images"
              label={t('images')}
              description={t('imagesTip')}
              value={state.images}
              options={numbers(IMAGES) as { value: State['images']; name: string }[]}
              onChange={(images) => change({ images })}
            />
            <Segmented
              label={t('split.label')}
              value={state.split}
              options={(['train', 'test'] as const).map((value) => ({
                value,
                name: t(`split.${value}`),
              }))}
              onChange={(split) => change({ split })}
            />
          </Control>
          <Control name="statistics" label={t('statistics.label')}>
            <Segmented
              label={t('statistics.label')}
              value={state.statistics}
              options={(['running', 'batch'] as const).map((value) => ({
                value,
                name: t(`statistics.${value}`),
              }))}
              onChange={(statistics) => change({ statistics })}
            />
          </Control>
        </div>
        <div className="surface-run">
          {surveys.running ? (
            <button type="button" onClick={surveys.stop}>
              <Square aria-hidden size={16} />
              {t('stop')}
            </button>
          ) : (
            <button
              type="button"
              className="primary"
              disabled={!ready}
              onClick={() => surveys.start(questions)}
            >
              <Play aria-hidden size={16} />
              {t('start')}
            </button>
          )}
          <p role="status">
            {surveys.running
              ? t('progress', { done, total })
              : seconds !== null && t('estimate', { time: span(seconds, i18n.language) })}
          </p>
          {surveys.running && <progress aria-label={t('computing')} value={done} max={total} />}
        </div>
        {surveys.failure && <p role="alert">{errorSentence(surveys.failure)}</p>}
      </section>
      {shown && (
        <section className="surface-bench" aria-label={t('result')}>
          <div className="controls">
            {shown === 'plane' && (
              <Segmented
                label={t('show.label')}
                value={state.show}
                options={(['contour', 'relief'] as const).map((value) => ({
                  value,
                  name: t(`show.${value}`),
                }))}
                onChange={(show) => change({ show })}
              />
            )}
            <Segmented
              label={t('scale.label')}
              value={state.log ? 'log' : 'linear'}
              options={(['log', 'linear'] as const).map((value) => ({
                value,
                name: t(`scale.${value}`),
              }))}
              onChange={(scale) => change({ log: scale === 'log' })}
            />
            {shown === 'plane' && found.length > 1 && (
              <Segmented
                label={t('colors.label')}
                value={state.common ? 'common' : 'own'}
                options={(['common', 'own'] as const).map((value) => ({
                  value,
                  name: t(`colors.${value}`),
                }))}
                onChange={(colors) => change({ common: colors === 'common' })}
              />
            )}
            <DropdownMenu.Root>
              <DropdownMenu.Trigger className="quiet" aria-label={t('export.label')}>
                <Download aria-hidden size={16} />
              </DropdownMenu.Trigger>
              <DropdownMenu.Portal>
                <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
                  <DropdownMenu.Item onSelect={files.json}>{t('export.json')}</DropdownMenu.Item>
                  <DropdownMenu.Item onSelect={() => figures.current && files.png(figures.current)}>
                    {t('export.png')}
                  </DropdownMenu.Item>
                </DropdownMenu.Content>
              </DropdownMenu.Portal>
            </DropdownMenu.Root>
          </div>
          <div ref={figures} className="surface-figures" data-count={found.length}>
            {shown === 'plane' ? (
              <Planes found={found} state={state} />
            ) : (
              <Line found={found} logarithmic={state.log} />
            )}
          </div>
        </section>
      )}
      <p className="quietly">{t('how')}</p>
    </main>
  );
}
