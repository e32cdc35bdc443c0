import { ChevronDown, Download, Maximize2, ZoomIn } from 'lucide-react';
import type { PlotlyHTMLElement } from 'plotly.js';
import { DropdownMenu, Slider } from 'radix-ui';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { csvFile } from '../../lab/csv.ts';
import type { Mark } from '../../worker/protocol.ts';
import { useLab, useLabGlance, useLabStore } from '../context.ts';
import { csvRows } from '../curves.ts';
import { saveFile } from '../files.ts';
import { networkStyles } from '../palette.ts';
import { IconButton, InfoTip, Segmented } from '../parts/controls.tsx';
import { useSettingsText } from '../parts/settingText.ts';
import { iterationsDone } from '../store.ts';
import { useShade } from '../theme.ts';
import { buildFigure, wholeErrorRange } from './figure.ts';
import type { Figure, FigureInput, Zoom } from './figure.ts';
import { CHART_COLORS, FONT, useDrawing, usePlotly, useSize } from './hooks.ts';
import type { Plotly } from './hooks.ts';

const SMOOTHING = { min: 1, max: 100 };

/** The error chart with its tools: scale, smoothing, zoom, export. */
export function ErrorChart() {
  const { t } = useTranslation();
  const plotly = usePlotly();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const size = useSize(frame);
  const [zoom, setZoom] = useState<Zoom | null>(null);
  const [reading, setReading] = useState('');
  const input = useFigureInput(zoom, size);
  const empty = useLabGlance((state) => state.run === 'ready' && iterationsDone(state) === 0);
  const count = useLab((state) => state.config.networks.length);
  const figure = buildFigure(input);

  usePlot({ plotly, plot, figure, logarithmic: input.logarithmic, onZoom: setZoom });

  /** Reads all curves `direction` points further on, for those who have no pointer. */
  const readOn = (direction: 1 | -1) => {
    if (!plotly || !plot.current) return;
    const iterations = figure.data[0]?.type === 'scatter' ? figure.data[0].x : undefined;
    if (!Array.isArray(iterations) || iterations.length === 0) return;
    const last = Number(
      plot.current.dataset['reading'] ?? (direction > 0 ? -1 : iterations.length),
    );
    const next = Math.min(iterations.length - 1, Math.max(0, last + direction));
    plot.current.dataset['reading'] = String(next);
    plotly.Fx.hover(plot.current, { xval: Number(iterations[next]) }, ['xy']);
    setReading(readingAt(figure, next, t('chart.iteration')));
  };

  return (
    <figure className="chart" aria-label={t('chart.label')}>
      <ChartTools
        zoomed={zoom !== null}
        onZoomIn={() => setZoom(zoomedIn(input))}
        onZoomOut={() => setZoom(null)}
        onExport={(format) => {
          if (plotly && plot.current) exportPicture(plotly, plot.current, format);
        }}
      />
      <div ref={frame} className="chart-frame">
        <div
          ref={plot}
          className="chart-plot"
          role="img"
          tabIndex={0}
          aria-label={t('chart.summary')}
          onKeyDown={(event) => {
            if (event.key === 'ArrowRight') readOn(1);
            else if (event.key === 'ArrowLeft') readOn(-1);
            else return;
            event.preventDefault();
          }}
        />
        {!plotly && <div className="chart-skeleton" role="img" aria-label={t('chart.loading')} />}
        {empty && <p className="chart-note">{t('chart.empty', { count })}</p>}
        <p className="visually-hidden" aria-live="polite">
          {reading}
        </p>
      </div>
    </figure>
  );
}

/** Everything the figure shows, looked at five times a second. */
function useFigureInput(zoom: Zoom | null, size: { width: number; height: number }): FigureInput {
  const { t } = useTranslation();
  const shade = useShade();
  const settingsText = useSettingsText();
  useLabGlance((state) => state.revision);
  const curves = useLabGlance((state) => state.curves);
  const marks = useLabGlance((state) => state.marks);
  const config = useLab((state) => state.config);
  const hidden = useLab((state) => state.hidden);
  const view = useLab((state) => state.view);

  const markWords = (mark: Mark) => {
    if (mark.kind === 'settings') return settingsText(mark.settings ?? {});
    const sign = { connected: '⊕', cut: '⊖', diverged: '✕' }[mark.kind];
    return `${sign} ${t(`chart.mark.${mark.kind}`, { network: mark.network ?? '' })}`;
  };
  return {
    networks: config.networks.filter((id) => !hidden.includes(id)),
    curves,
    styles: networkStyles(config.networks, shade),
    marks,
    steps: config.steps,
    zoom,
    logarithmic: view.logarithmic,
    smoothing: view.smoothing,
    words: {
      iterations: t('chart.iterations'),
      iteration: t('chart.iteration'),
      error: t('chart.error'),
      train: t('chart.train'),
      test: t('chart.test'),
      mark: markWords,
    },
    colors: CHART_COLORS[shade],
    fontFamily: FONT,
    ...size,
  };
}

interface PlotOptions {
  plotly: Plotly | null;
  plot: React.RefObject<HTMLDivElement | null>;
  figure: Figure;
  logarithmic: boolean;
  onZoom: (zoom: Zoom | null) => void;
}

/**
 * Keeps the drawing up to date. While a frame is being dragged nothing is drawn under the pointer,
 * and what the pointer reads is read again after each drawing.
 */
function usePlot({ plotly, plot, figure, logarithmic, onZoom }: PlotOptions): void {
  const dragging = useRef(false);
  const hovered = useRef<number | null>(null);
  const listening = useRef(false);
  const latest = useRef({ logarithmic, onZoom });

  useEffect(() => {
    latest.current = { logarithmic, onZoom };
  });

  useDrawing(() => {
    const element = plot.current;
    if (!plotly || !element || dragging.current) return;
    const coarse = window.matchMedia('(pointer: coarse)').matches;
    void plotly
      .react(
        element,
        figure.data,
        { ...figure.layout, dragmode: coarse ? false : 'zoom' },
        { displayModeBar: false, doubleClick: false, showTips: false, scrollZoom: false },
      )
      .then((drawn) => {
        if (!listening.current) {
          listening.current = true;
          listen(drawn, dragging, hovered, latest);
        }
        if (hovered.current !== null) plotly.Fx.hover(drawn, { xval: hovered.current }, ['xy']);
      });
  });

  useEffect(() => {
    const element = plot.current;
    if (!plotly || !element) return;
    return () => {
      listening.current = false;
      plotly.purge(element);
    };
  }, [plotly, plot]);
}

function listen(
  drawn: PlotlyHTMLElement,
  dragging: React.RefObject<boolean>,
  hovered: React.RefObject<number | null>,
  latest: React.RefObject<Pick<PlotOptions, 'logarithmic' | 'onZoom'>>,
): void {
  drawn.addEventListener('pointerdown', () => {
    dragging.current = true;
    window.addEventListener('pointerup', () => (dragging.current = false), { once: true });
  });
  drawn.on('plotly_hover', ({ points }) => {
    hovered.current = Number(points[0]?.x);
  });
  drawn.on('plotly_unhover', () => {
    hovered.current = null;
  });
  drawn.on('plotly_doubleclick', () => latest.current.onZoom(null));
  drawn.on('plotly_relayout', (change) => {
    if (!('xaxis.range[0]' in change) && !('yaxis.range[0]' in change)) return;
    const { xaxis, yaxis } = drawn.layout;
    const pair = (range: unknown): [number, number] => {
      const [from, to] = Array.isArray(range) ? range.map(Number) : [];
      return [from ?? 0, to ?? 1];
    };
    const [low, high] = pair(yaxis.range);
    latest.current.onZoom({
      x: pair(xaxis.range),
      y: latest.current.logarithmic ? [10 ** low, 10 ** high] : [low, high],
    });
  });
}

/** The later half of what is shown; the errors stay as they are. */
function zoomedIn(input: FigureInput): Zoom {
  const [from, to] = input.zoom?.x ?? [0, input.steps];
  const last = Math.max(0, ...input.networks.map((id) => input.curves[id]?.iteration.at(-1) ?? 0));
  const end = last > from && last < to ? last : to;
  return { x: [end - (end - from) / 2, end], y: input.zoom?.y ?? wholeErrorRange(input) };
}

/** What hovering shows at one point, as a sentence. */
function readingAt(figure: Figure, index: number, iterationWord: string): string {
  const lines = figure.data.flatMap((trace) => {
    if (trace.type !== 'scatter' || trace.hoverinfo === 'skip') return [];
    const text = Array.isArray(trace.text) ? trace.text[index] : undefined;
    return text === undefined ? [] : [`${trace.name} ${text}`];
  });
  const first = figure.data[0];
  const at = first?.type === 'scatter' && Array.isArray(first.x) ? first.x[index] : '';
  return `${iterationWord} ${String(at)}: ${lines.join('; ')}`;
}

function exportPicture(plotly: Plotly, plot: HTMLDivElement, format: 'png' | 'svg'): void {
  const { clientWidth: width, clientHeight: height } = plot;
  void plotly.downloadImage(plot, {
    format,
    width,
    height,
    filename: 'fathom',
    ...(format === 'png' ? { scale: 2 } : {}),
  });
}

interface ChartToolsProps {
  zoomed: boolean;
  onZoomIn: () => void;
  onZoomOut: () => void;
  onExport: (format: 'png' | 'svg') => void;
}

function ChartTools({ zoomed, onZoomIn, onZoomOut, onExport }: ChartToolsProps) {
  const { t } = useTranslation();
  const view = useLab((state) => state.view);
  const setView = useLab((state) => state.setView);
  const store = useLabStore();
  const { smoothing } = view;

  const exportCsv = () => {
    const { curves, config } = store.getState();
    const text = csvFile(csvRows(curves, config.networks));
    saveFile(new Blob([text], { type: 'text/csv' }), 'fathom.csv');
  };

  return (
    <figcaption className="chart-tools">
      <ul className="line-key">
        <li>
          <svg viewBox="0 0 30 10" width="30" height="10" aria-hidden>
            <line x1="0" x2="30" y1="5" y2="5" strokeWidth="1.5" strokeDasharray="5 3" />
          </svg>
          {t('chart.trainLine')}
        </li>
        <li>
          <svg viewBox="0 0 30 10" width="30" height="10" aria-hidden>
            <line x1="0" x2="30" y1="5" y2="5" strokeWidth="3" />
            <circle cx="15" cy="5" r="4" />
          </svg>
          {t('chart.testLine')}
        </li>
      </ul>
      <div className="slider-field smoothing">
        <span>{t('chart.smoothing')}</span>
        <InfoTip label={t('chart.smoothing')} text={t('chart.smoothingTip')} />
        <Slider.Root
          className="slider"
          {...SMOOTHING}
          value={[smoothing]}
          onValueChange={([value]) => setView({ smoothing: value ?? SMOOTHING.min })}
        >
          <Slider.Track className="slider-track">
            <Slider.Range className="slider-range" />
          </Slider.Track>
          <Slider.Thumb className="slider-thumb" aria-label={t('chart.smoothing')} />
        </Slider.Root>
        <output>
          {smoothing > 1
            ? t('chart.smoothingValue', { count: smoothing })
            : t('chart.smoothingOff')}
        </output>
      </div>
      <Segmented
        label={t('chart.scale')}
        value={view.logarithmic ? 'log' : 'linear'}
        options={[
          { value: 'linear', name: t('chart.linear') },
          { value: 'log', name: t('chart.log') },
        ]}
        onChange={(scale) => setView({ logarithmic: scale === 'log' })}
      />
      <div className="tool-group">
        <IconButton name={`${t('chart.zoomIn')} (${t('chart.zoomTip')})`} onClick={onZoomIn}>
          <ZoomIn aria-hidden size={17} />
        </IconButton>
        <IconButton name={t('chart.zoomOut')} disabled={!zoomed} onClick={onZoomOut}>
          <Maximize2 aria-hidden size={16} />
        </IconButton>
        <DropdownMenu.Root>
          <DropdownMenu.Trigger className="quiet" aria-label={t('chart.export')}>
            <Download aria-hidden size={16} />
            <ChevronDown aria-hidden size={14} />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
              <DropdownMenu.Item onSelect={() => onExport('png')}>
                {t('chart.png')}
              </DropdownMenu.Item>
              <DropdownMenu.Item onSelect={() => onExport('svg')}>
                {t('chart.svg')}
              </DropdownMenu.Item>
              <DropdownMenu.Item onSelect={exportCsv}>{t('chart.csv')}</DropdownMenu.Item>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      </div>
    </figcaption>
  );
}
