/** Time by layer along the depth of a network: a bar a layer, its passes stacked and told apart by pattern. */
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { significant } from '../format.ts';
import { PASSES } from '../profile.ts';
import type { Column } from '../profile.ts';

const WIDTH = 340;
const HEIGHT = 130;
const LEFT = 38;
const BOTTOM = 20;
const TOP = 8;

export function LayerTimes({ columns, network }: { columns: readonly Column[]; network: string }) {
  const { t, i18n } = useTranslation();
  const [read, setRead] = useState<number | null>(null);
  const number = (value: number) => significant(value, i18n.language);
  const total = (column: Column) => PASSES.reduce((sum, pass) => sum + column[pass], 0);
  const longest = Math.max(...columns.map(total));
  const slowest = columns.findIndex((column) => total(column) === longest);
  const shown = columns[Math.min(read ?? slowest, columns.length - 1)];
  const pitch = (WIDTH - LEFT) / columns.length;
  const thickness = Math.min(20, pitch * 0.72);
  const x = (index: number) => LEFT + (index + 0.5) * pitch - thickness / 2;
  const y = (value: number) => TOP + (1 - value / longest) * (HEIGHT - TOP - BOTTOM);
  const move = (direction: 1 | -1) =>
    setRead(Math.min(columns.length - 1, Math.max(0, (read ?? slowest) + direction)));

  return (
    <figure className="layer-times">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        tabIndex={0}
        aria-label={t('profile.layersLabel', { network })}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') move(1);
          else if (event.key === 'ArrowLeft') move(-1);
          else return;
          event.preventDefault();
        }}
      >
        <defs>
          <pattern id="pass-backward" width="4" height="4" patternUnits="userSpaceOnUse">
            <rect width="4" height="4" className="pattern-ground" />
            <path d="M-1 1 L1 -1 M0 4 L4 0 M3 5 L5 3" className="pattern-lines" />
          </pattern>
          <pattern id="pass-update" width="4" height="4" patternUnits="userSpaceOnUse">
            <rect width="4" height="4" className="pattern-ground" />
            <circle cx="2" cy="2" r="1.1" className="pattern-dots" />
          </pattern>
        </defs>
        {[0, longest].map((value) => (
          <g key={value} className="scale">
            <line x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 5} y={y(value)}>
              {number(value)}
            </text>
          </g>
        ))}
        <text className="unit-text" x={LEFT - 5} y={y(longest) + 15}>
          {t('profile.ms')}
        </text>
        {columns.map((column, index) => {
          let below = 0;
          return (
            <g
              key={column.path}
              className="layer-time"
              data-read={column === shown || undefined}
              onPointerEnter={() => setRead(index)}
              onPointerDown={() => setRead(index)}
            >
              <rect
                className="hit"
                x={LEFT + index * pitch}
                y={0}
                width={pitch}
                height={HEIGHT - BOTTOM}
              />
              {PASSES.map((pass) => {
                const from = below;
                below += column[pass];
                return (
                  <rect
                    key={pass}
                    className="pass"
                    data-pass={pass}
                    x={x(index)}
                    y={y(below)}
                    width={thickness}
                    height={Math.max(0, y(from) - y(below))}
                  />
                );
              })}
            </g>
          );
        })}
        <text className="end" x={LEFT} y={HEIGHT - 5}>
          {t('profile.first')}
        </text>
        <text className="end" x={WIDTH} y={HEIGHT - 5} textAnchor="end">
          {t('profile.last')}
        </text>
      </svg>
      {shown && (
        <figcaption aria-live="polite">
          <b>{shown.path}</b>
          {PASSES.filter((pass) => shown[pass] > 0).map((pass) => (
            <span key={pass}>
              {t(`drawing.${pass}`)} {t('profile.milliseconds', { value: number(shown[pass]) })}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  );
}
