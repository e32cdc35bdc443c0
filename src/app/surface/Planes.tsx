import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Found } from './ask.ts';
import { Contour } from './Contour.tsx';
import { VIRIDIS, extentOf, meshOf } from './grid.ts';
import { Relief } from './Relief.tsx';
import type { State } from './state.ts';

/** The planes of the networks side by side, in one scale of colours or each in its own. */
export function Planes({ found, state }: { found: readonly Found[]; state: State }) {
  const { t, i18n } = useTranslation('surface');
  const { log, common, show } = state;
  const meshes = useMemo(() => found.map((each) => meshOf(each, log)), [found, log]);
  const extents = useMemo(
    () => meshes.map((mesh) => extentOf(common ? meshes : [mesh])),
    [meshes, common],
  );
  const lossOf = useCallback(
    (height: number) =>
      Number.isNaN(height)
        ? '∞'
        : new Intl.NumberFormat(i18n.language, { maximumSignificantDigits: 3 }).format(
            log ? 10 ** height : height,
          ),
    [log, i18n.language],
  );
  return found.map(({ question: { network, along }, points, survey }, i) => {
    const mesh = meshes[i];
    const extent = extents[i] ?? extentOf([]);
    const [centre] = points;
    const losses = points.map(({ loss }) => loss).filter(Number.isFinite);
    const name = t('figure', { network });
    return (
      <figure key={network} aria-label={name}>
        <figcaption>
          <h3>{network}</h3>
          {survey && <span className="quietly">{t('taken', { ...survey })}</span>}
        </figcaption>
        {!mesh ? (
          <div className="plot" aria-busy />
        ) : show === 'contour' ? (
          <Contour label={name} mesh={mesh} extent={extent} words={lossOf} centre={t('centre')} />
        ) : (
          <Relief
            label={`${name}. ${t('turn')}`}
            mesh={mesh}
            extent={extent}
            reach={along.kind === 'plane' ? along.range : 1}
          />
        )}
        <div className="surface-scale">
          <span>{lossOf(extent[0])}</span>
          <span
            className="surface-colors"
            style={{ background: `linear-gradient(90deg, ${VIRIDIS.join(', ')})` }}
          />
          <span>{lossOf(extent[1])}</span>
        </div>
        {show === 'contour' && log && <p className="quietly">{t('logLines')}</p>}
        <dl className="readings">
          <div>
            <dt>{t('centre')}</dt>
            <dd>{centre ? centre.loss.toPrecision(3) : '–'}</dd>
          </div>
          <div>
            <dt>{t('least')}</dt>
            <dd>{losses.length ? Math.min(...losses).toPrecision(3) : '–'}</dd>
          </div>
          <div>
            <dt>{t('most')}</dt>
            <dd>{losses.length ? Math.max(...losses).toPrecision(3) : '–'}</dd>
          </div>
        </dl>
      </figure>
    );
  });
}
