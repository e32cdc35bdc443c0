/**
 * From curves to a plotly figure, in the manner of Figures 1 and 6 of He et al. 2015: error in per
 * cent against iterations, training error thin and dashed, test error bold with markers, one colour
 * and one marker a network. Pure: the same input gives the same figure.
 */
import type { Annotations, Data, Layout, LayoutAxis, Shape } from 'plotly.js';
import type { Mark } from '../../worker/protocol.ts';
import { trailingMean } from '../curves.ts';
import type { Curve } from '../curves.ts';
import type { NetworkStyle } from '../palette.ts';

export interface ChartColors {
  ink: string;
  muted: string;
  grid: string;
  paper: string;
}

/** Words on the chart, in the reader's language. */
export interface ChartWords {
  iterations: string;
  iteration: string;
  error: string;
  train: string;
  test: string;
  mark(mark: Mark): string;
}

export interface FigureInput {
  /** Networks to draw, in order. */
  networks: readonly string[];
  curves: Readonly<Record<string, Curve>>;
  styles: ReadonlyMap<string, NetworkStyle>;
  marks: readonly Mark[];
  /** Iterations of the whole experiment: the end of the x axis. */
  steps: number;
  /** What the reader zoomed to; null shows all. `y` is in per cent. */
  zoom: Zoom | null;
  logarithmic: boolean;
  /** The training error is drawn as the mean of so many iterations; 1 draws it as it came. */
  smoothing: number;
  words: ChartWords;
  colors: ChartColors;
  fontFamily: string;
  /** Size of the drawing in CSS pixels. */
  width: number;
  height: number;
}

export interface Zoom {
  x: [number, number];
  y: [number, number];
}

export interface Figure {
  data: Data[];
  layout: Partial<Layout>;
}

/** More points than this on one curve cannot be told apart and cost frames. */
const MOST_POINTS = 400;
const MOST_MARKERS = 30;
const LOG_TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const LABEL_HEIGHT = 17;
const MARK_HEIGHT = 22;

export function buildFigure(input: FigureInput): Figure {
  const narrow = input.width < 560;
  const margin = { l: narrow ? 46 : 60, r: narrow ? 14 : 128, t: 10, b: narrow ? 40 : 46 };
  const xRange = input.zoom?.x ?? [0, input.steps];
  const yRange = input.zoom?.y ?? wholeErrorRange(input);
  const plotHeight = Math.max(1, input.height - margin.t - margin.b);
  const { colors, words } = input;
  const axis = {
    gridcolor: colors.grid,
    linecolor: colors.muted,
    tickfont: { color: colors.ink, size: 13 },
    zeroline: false,
    ticks: 'outside' as const,
    tickcolor: colors.grid,
    automargin: false,
    // Measuring whether a label sticks out takes a seventh of a drawing; it can where the margin is narrow.
    ticklabeloverflow: narrow ? ('hide past div' as const) : ('allow' as const),
  };
  // plotly's types do not know this option yet.
  const hoverTitle: Partial<LayoutAxis> & { unifiedhovertitle: { text: string } } = {
    unifiedhovertitle: { text: `<b>${words.iteration} %{x}</b>` },
  };
  return {
    data: input.networks.flatMap((id) => traces(id, input, xRange)),
    layout: {
      width: input.width,
      height: input.height,
      margin,
      paper_bgcolor: colors.paper,
      plot_bgcolor: colors.paper,
      font: { family: input.fontFamily, color: colors.ink, size: 13 },
      showlegend: false,
      hovermode: 'x unified',
      // Not whatever is nearest, however far: where no point is in view there is nothing to read.
      hoverdistance: 80,
      hoverlabel: {
        bgcolor: colors.paper,
        bordercolor: colors.muted,
        font: { family: input.fontFamily, color: colors.ink, size: 13 },
      },
      xaxis: {
        ...axis,
        ...hoverTitle,
        range: xRange,
        title: { text: words.iterations, standoff: 8, font: { size: 13, color: colors.muted } },
        tickformat: ',d',
        hoverformat: ',d',
        showspikes: true,
        spikemode: 'across',
        spikethickness: 1,
        spikedash: 'solid',
        spikecolor: colors.muted,
        nticks: narrow ? 5 : 11,
      },
      yaxis: {
        ...axis,
        type: input.logarithmic ? 'log' : 'linear',
        range: input.logarithmic ? yRange.map(Math.log10) : yRange,
        title: { text: words.error, standoff: 6, font: { size: 13, color: colors.muted } },
        ...(input.logarithmic ? { tickvals: [...LOG_TICKS] } : { nticks: 11 }),
      },
      shapes: markLines(input),
      annotations: [
        ...(narrow ? [] : endLabels(input, xRange, yRange, plotHeight)),
        ...markLabels(input, xRange, plotHeight),
      ],
    },
  };
}

/** All of the y axis: 0…100 per cent, or on a logarithmic axis from below the least error there is. */
export function wholeErrorRange({
  logarithmic,
  networks,
  curves,
}: Pick<FigureInput, 'logarithmic' | 'networks' | 'curves'>): [number, number] {
  if (!logarithmic) return [0, 100];
  let least = 0.1;
  for (const id of networks) {
    const { trainError = [], testError = [] } = curves[id] ?? {};
    for (const errors of [trainError, testError]) {
      for (const error of errors) if (error > 0 && error < least) least = error;
    }
  }
  const bottom = [0.05, 0.02, 0.01, 0.005, 0.002].find((bound) => bound <= least) ?? 0.001;
  return [bottom * 100, 100];
}

/** Training error as a function of index over the visible part, thinned to what the eye can tell. */
function visibleTraining(curve: Curve, smoothing: number, [left, right]: [number, number]) {
  const { iteration, trainError } = curve;
  const from = Math.max(0, countUntil(iteration, (t) => t < left) - 1);
  const to = Math.min(iteration.length, countUntil(iteration, (t) => t <= right) + 1);
  const shown = thinned(from, to);
  return {
    x: shown.map((index) => iteration[index] ?? NaN),
    y: shown.map(
      (index) => 100 * (trailingMean(trainError, smoothing, index, index + 1)[0] ?? NaN),
    ),
  };
}

/** How many values at the beginning of a sorted list `holds` is true of. */
function countUntil(values: readonly number[], holds: (value: number) => boolean): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(values[middle] ?? NaN)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Evenly spaced indices from `from` up to, not including, `to`: as many as the eye can tell, the last among them. */
function thinned(from: number, to: number): number[] {
  const stride = Math.max(1, Math.ceil((to - from) / MOST_POINTS));
  const indices: number[] = [];
  // Multiples of the stride, so that points stay where they are while the curve grows.
  for (let at = Math.ceil(from / stride) * stride; at < to; at += stride) indices.push(at);
  if (to > from && indices.at(-1) !== to - 1) indices.push(to - 1);
  return indices;
}

/** The two traces of a network. Hovering reads both from the training trace, which is dense. */
function traces(id: string, input: FigureInput, xRange: [number, number]): Data[] {
  const curve = input.curves[id];
  const style = input.styles.get(id);
  if (!curve || !style) return [];
  const { words } = input;
  const training = visibleTraining(curve, input.smoothing, xRange);
  const tests = thinned(0, curve.testIteration.length);
  let test = -1;
  const readings = training.x.map((t, index) => {
    while ((curve.testIteration[test + 1] ?? Infinity) <= t) test += 1;
    const train = `${words.train} ${(training.y[index] ?? NaN).toFixed(1)} %`;
    const last = curve.testError[test];
    return last === undefined
      ? train
      : `${train} · ${words.test} ${(100 * last).toFixed(1)} % (${curve.testIteration[test]})`;
  });
  return [
    {
      type: 'scatter',
      name: id,
      mode: 'lines',
      x: training.x,
      y: training.y,
      text: readings,
      hovertemplate: `${style.glyph} <b>${id}</b>  %{text}<extra></extra>`,
      line: { color: style.color, width: 1.4, dash: 'dash', simplify: true },
    },
    {
      type: 'scatter',
      name: `${id} ${words.test}`,
      mode: 'lines+markers',
      x: tests.map((index) => curve.testIteration[index] ?? NaN),
      y: tests.map((index) => 100 * (curve.testError[index] ?? NaN)),
      hoverinfo: 'skip',
      cliponaxis: input.zoom !== null,
      line: { color: style.color, width: 3 },
      marker: {
        color: style.solid ? style.color : input.colors.paper,
        line: { color: style.color, width: 2 },
        symbol: style.shape.symbol,
        size: 9,
        opacity: 1,
        maxdisplayed: MOST_MARKERS,
      },
    },
  ];
}

/** Names at the ends of the curves, moved apart so that none covers another. */
function endLabels(
  input: FigureInput,
  [left, right]: [number, number],
  yRange: [number, number],
  plotHeight: number,
): Partial<Annotations>[] {
  const scale = (value: number) => (input.logarithmic ? Math.log10(Math.max(value, 1e-6)) : value);
  const [low, high] = [scale(yRange[0]), scale(yRange[1])];
  const labels = input.networks.flatMap((id) => {
    const curve = input.curves[id];
    const style = input.styles.get(id);
    const last = curve?.iteration.at(-1);
    if (!curve || !style || last === undefined) return [];
    const train = trailingMean(
      curve.trainError,
      input.smoothing,
      curve.trainError.length - 1,
      curve.trainError.length,
    )[0];
    const error = curve.testError.at(-1) ?? train ?? 1;
    const height = ((scale(100 * error) - low) / (high - low)) * plotHeight;
    return [{ id, style, x: Math.min(right, Math.max(left, last)), height }];
  });
  // Below the labels of marks that reach as far as the names.
  const first = Math.min(...labels.map(({ x }) => x));
  const reach = (right - left) * markReach(input);
  const rows = placeMarks(input, [left, right])
    .filter(({ mark, before }) => !before && mark.iteration + reach > first)
    .map(({ row }) => row + 1);
  const heights = spread(
    labels.map(({ height }) => height),
    LABEL_HEIGHT,
    plotHeight - MARK_HEIGHT * Math.max(0, ...rows),
  );
  return labels.map(({ id, style, x }, index) => ({
    x,
    y: (heights[index] ?? 0) / plotHeight,
    xref: 'x',
    yref: 'paper',
    xanchor: 'left',
    yanchor: 'middle',
    xshift: 8,
    showarrow: false,
    text: `<b>${style.glyph} ${id}</b>`,
    font: { color: style.color, size: 13 },
    bgcolor: input.colors.paper,
    borderpad: 1,
  }));
}

/** Moves positions apart to at least `gap`, inside 0…`size`, keeping their order. */
export function spread(positions: readonly number[], gap: number, size: number): number[] {
  const order = positions.map((_, index) => index);
  order.sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));
  const placed = [...positions];
  let floor = gap / 2;
  for (const index of order) {
    placed[index] = Math.max(floor, placed[index] ?? 0);
    floor = (placed[index] ?? 0) + gap;
  }
  let ceiling = size - gap / 2;
  for (const index of order.toReversed()) {
    placed[index] = Math.min(ceiling, placed[index] ?? 0);
    ceiling = (placed[index] ?? 0) - gap;
  }
  return placed;
}

function markColor(mark: Mark, input: FigureInput): string {
  return (mark.network !== null && input.styles.get(mark.network)?.color) || input.colors.muted;
}

function visibleMarks({ marks, networks }: FigureInput): Mark[] {
  return marks.filter(({ network }) => network === null || networks.includes(network));
}

function markLines(input: FigureInput): Partial<Shape>[] {
  return visibleMarks(input).map((mark) => ({
    type: 'line',
    xref: 'x',
    yref: 'paper',
    x0: mark.iteration,
    x1: mark.iteration,
    y0: 0,
    y1: 1,
    layer: 'below',
    line: { color: markColor(mark, input), width: 1.5, dash: 'dot' },
  }));
}

/** Where the label of a mark stands. */
interface MarkPlace {
  mark: Mark;
  /** From the top. */
  row: number;
  /** Ends at its line instead of beginning there. */
  before: boolean;
}

/** How wide a mark's label may be, as a part of the x axis. */
const markReach = ({ width }: FigureInput): number => (width < 560 ? 0.6 : 0.26);

/** Labels of marks stand at the top, one row lower where the row is taken close by. */
function placeMarks(input: FigureInput, [left, right]: [number, number]): MarkPlace[] {
  const near = (right - left) * markReach(input);
  const rows: number[] = [];
  return visibleMarks(input)
    .filter(({ iteration }) => iteration >= left && iteration <= right)
    .map((mark) => {
      let row = rows.findIndex((taken) => Math.abs(mark.iteration - taken) > near);
      if (row < 0) row = rows.length;
      rows[row] = mark.iteration;
      // Before its line, where the curves' names never are, as soon as there is room.
      return { mark, row, before: mark.iteration > left + near };
    });
}

function markLabels(
  input: FigureInput,
  xRange: [number, number],
  plotHeight: number,
): Partial<Annotations>[] {
  return placeMarks(input, xRange).map(({ mark, row, before }) => ({
    x: mark.iteration,
    y: 1 - (row * MARK_HEIGHT) / plotHeight,
    xref: 'x',
    yref: 'paper',
    xanchor: before ? 'right' : 'left',
    yanchor: 'top',
    xshift: before ? -4 : 4,
    showarrow: false,
    text: input.words.mark(mark),
    font: { color: markColor(mark, input), size: 12 },
    bgcolor: input.colors.paper,
    borderpad: 2,
  }));
}
