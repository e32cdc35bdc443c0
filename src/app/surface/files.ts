/** What was found as files: the numbers as JSON, the pictures as PNG. */
import { surveyName, surveyFile } from '../../lab/survey.ts';
import { saveFile } from '../files.ts';
import type { Found } from './ask.ts';

export interface SurfaceFiles {
  /** Downloads one file a network. */
  json(): void;
  /** Downloads the pictures inside `figures`, one a network, or the one of a line. */
  png(figures: HTMLElement): void;
}

export const surfaceFiles = (found: readonly Found[]): SurfaceFiles => ({
  json: () => {
    for (const { question, points, survey } of found) {
      const text = surveyFile(question, points, survey);
      const blob = new Blob([text], { type: 'application/json' });
      saveFile(blob, `${surveyName(question.network)}.json`);
    }
  },
  png: (figures) => {
    const drawn = figures.querySelectorAll<HTMLElement>('.surface-relief canvas, .js-plotly-plot');
    for (const [i, element] of [...drawn].entries()) {
      const filename = surveyName(found[i]?.question.network ?? '');
      if (element instanceof HTMLCanvasElement) {
        element.toBlob((blob) => blob && saveFile(blob, `${filename}.png`));
      } else {
        void savePlot(element, filename);
      }
    }
  },
});

async function savePlot(element: HTMLElement, filename: string): Promise<void> {
  const { default: plotly } = await import('../charts/plotly.ts');
  const { clientWidth: width, clientHeight: height } = element;
  const twice = { scale: 2 };
  await plotly.downloadImage(element, { format: 'png', width, height, filename, ...twice });
}
