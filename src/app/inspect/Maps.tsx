import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FeaturesAnswer } from '../../worker/protocol.ts';
import { significant } from '../format.ts';
import { Segmented } from '../parts/controls.tsx';
import { useShade } from '../theme.ts';
import { mapAt, mosaicOf, peakOf, signed } from './paint.ts';
import { Pixels } from './Pixels.tsx';

/** More maps than this are too small to be seen. */
const MOST = 256;
const SCALES = ['layer', 'map'] as const;

/** What the layer makes of the picture, channel by channel, and the filters of the first convolution. */
export function Maps({ features }: { features: FeaturesAnswer }) {
  const { t } = useTranslation('inspect');
  const [scale, setScale] = useState<(typeof SCALES)[number]>('layer');
  return (
    <div className="inspect-maps">
      <section aria-labelledby="maps-title">
        <div className="inspect-row">
          <h3 id="maps-title">{t('maps.title', { layer: features.path })}</h3>
          <Segmented
            label={t('maps.scale')}
            value={scale}
            options={SCALES.map((value) => ({ value, name: t(`maps.scales.${value}`) }))}
            onChange={setScale}
          />
        </div>
        <FeatureMaps features={features} each={scale === 'map'} />
      </section>
      {features.filters && <Filters filters={features.filters} />}
    </div>
  );
}

function FeatureMaps({ features, each }: { features: FeaturesAnswer; each: boolean }) {
  const { t, i18n } = useTranslation('inspect');
  const shade = useShade();
  const [chosen, setChosen] = useState(0);
  const { shape, data } = features.output;
  const [, channels = 1, height = 1, width = 1] = shape;
  const count = Math.min(MOST, channels);
  const plane = height * width;
  const mosaic = useMemo(() => mosaicOf(count, height, width, 1.7), [count, height, width]);
  const mapOf = (channel: number) => data.subarray(channel * plane, (channel + 1) * plane);
  const dead = Array.from({ length: channels }, (_, c) => peakOf(mapOf(c))).filter(
    (peak) => peak === 0,
  ).length;
  const channel = Math.min(chosen, count - 1);
  const values = mapOf(channel);
  const mean = values.reduce((sum, value) => sum + value, 0) / plane;
  const number = (value: number) => significant(value, i18n.language);
  const peak = peakOf(data);

  const paint = useCallback(
    (x: number, y: number) => {
      const at = mapAt(mosaic, count, [height, width], x, y);
      if (!at) return null;
      const from = at.map * plane;
      const most = each ? peakOf(data.subarray(from, from + plane)) : peak;
      const value = data[from + at.row * width + at.column] ?? 0;
      return { colour: signed(most > 0 ? value / most : 0, shade) };
    },
    [data, mosaic, count, height, width, plane, each, peak, shade],
  );
  const step = (by: number) => setChosen(Math.max(0, Math.min(count - 1, channel + by)));

  return (
    <>
      <div
        className="inspect-mosaic"
        role="slider"
        tabIndex={0}
        aria-label={t('maps.pick')}
        aria-valuemin={0}
        aria-valuemax={count - 1}
        aria-valuenow={channel}
        aria-valuetext={t('maps.channel', { channel })}
        onKeyDown={(event) => {
          const by = {
            ArrowRight: 1,
            ArrowLeft: -1,
            ArrowDown: mosaic.columns,
            ArrowUp: -mosaic.columns,
          }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          step(by);
        }}
      >
        <Pixels
          width={mosaic.width}
          height={mosaic.height}
          label={t('maps.label', { layer: features.path, count })}
          paint={paint}
          onClick={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            const x = Math.floor(((event.clientX - box.left) / box.width) * mosaic.width);
            const y = Math.floor(((event.clientY - box.top) / box.height) * mosaic.height);
            const at = mapAt(mosaic, count, [height, width], x, y);
            if (at) setChosen(at.map);
          }}
        />
        <span
          className="inspect-chosen"
          aria-hidden
          style={{
            left: `${(100 * (channel % mosaic.columns) * (width + 1)) / mosaic.width}%`,
            top: `${(100 * Math.floor(channel / mosaic.columns) * (height + 1)) / mosaic.height}%`,
            width: `${(100 * width) / mosaic.width}%`,
            height: `${(100 * height) / mosaic.height}%`,
          }}
        />
      </div>
      <Scale peak={each ? peakOf(values) : peak} />
      <dl className="inspect-facts" data-testid="channel">
        <div>
          <dt>{t('maps.chosen')}</dt>
          <dd>{channel}</dd>
        </div>
        <div>
          <dt>{t('maps.mean')}</dt>
          <dd>{number(mean)}</dd>
        </div>
        <div>
          <dt>{t('maps.range')}</dt>
          <dd>
            {number(Math.min(...values))} … {number(Math.max(...values))}
          </dd>
        </div>
        <div>
          <dt>{t('maps.dead')}</dt>
          <dd>{t('maps.of', { part: dead, all: channels })}</dd>
        </div>
      </dl>
      {count < channels && <p className="quietly">{t('maps.more', { count, all: channels })}</p>}
    </>
  );
}

/** From the most negative colour to the most positive. */
function Scale({ peak }: { peak: number }) {
  const { t, i18n } = useTranslation('inspect');
  const shade = useShade();
  const paint = useCallback((x: number) => ({ colour: signed((x - 50) / 50, shade) }), [shade]);
  const end = significant(peak, i18n.language);
  return (
    <p className="inspect-scale">
      <span>−{end}</span>
      <Pixels width={101} height={1} label={t('maps.legend')} paint={paint} />
      <span>{end}</span>
    </p>
  );
}

/** Filters of three channels in colour, of one in grey; each is scaled by itself, and 0 is the middle. */
function Filters({ filters }: { filters: NonNullable<FeaturesAnswer['filters']> }) {
  const { t } = useTranslation('inspect');
  const { shape, data } = filters.weight;
  const [count = 1, channels = 1, height = 1, width = 1] = shape;
  const plane = height * width;
  const mosaic = useMemo(() => mosaicOf(count, height, width, 3), [count, height, width]);
  const paint = useCallback(
    (x: number, y: number) => {
      const at = mapAt(mosaic, count, [height, width], x, y);
      if (!at) return null;
      const own = data.subarray(at.map * channels * plane, (at.map + 1) * channels * plane);
      const most = peakOf(own) || 1;
      const lane = (c: number) =>
        Math.round(127.5 * (1 + (own[c * plane + at.row * width + at.column] ?? 0) / most));
      return {
        colour: channels === 3 ? ([lane(0), lane(1), lane(2)] as const) : grey(lane(0)),
      };
    },
    [data, mosaic, count, channels, height, width, plane],
  );
  if (channels !== 3 && channels !== 1) return null;
  return (
    <section aria-labelledby="filters-title">
      <h3 id="filters-title">{t('filters.title', { layer: filters.path })}</h3>
      <div className="inspect-filters">
        <Pixels
          width={mosaic.width}
          height={mosaic.height}
          label={t('filters.label', { count, height, width })}
          paint={paint}
        />
      </div>
      <p className="quietly">{t('filters.how')}</p>
    </section>
  );
}

const grey = (level: number) => [level, level, level] as const;
