/** The network as a file, and its drawing as a picture. */
import type { NetworkSpec } from '../../network/spec.ts';
import { saveFile } from '../files.ts';

/** Pixels a unit of the drawing. */
const SCALE = 3;
/** Longest side of a canvas that every browser makes, in pixels. */
const LONGEST = 16_384;

export function saveJson(spec: NetworkSpec): void {
  save(
    new Blob([`${JSON.stringify(spec, null, 2)}\n`], { type: 'application/json' }),
    spec,
    'json',
  );
}

export function saveSvg(svg: SVGSVGElement, spec: NetworkSpec): void {
  save(new Blob([textOf(svg)], { type: 'image/svg+xml' }), spec, 'svg');
}

export async function savePng(svg: SVGSVGElement, spec: NetworkSpec): Promise<void> {
  const { width, height } = svg.viewBox.baseVal;
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(textOf(svg))}`;
  await picture.decode();
  const canvas = document.createElement('canvas');
  const scale = Math.min(SCALE, LONGEST / Math.max(width, height));
  canvas.width = Math.floor(scale * width);
  canvas.height = Math.floor(scale * height);
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
  if (blob) save(blob, spec, 'png');
}

/** The drawing at its own size; how it is fitted to the page is no part of it. */
function textOf(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copy.removeAttribute('style');
  copy.removeAttribute('class');
  return new XMLSerializer().serializeToString(copy);
}

const save = (blob: Blob, { name }: NetworkSpec, format: string): void =>
  saveFile(blob, `${name || 'network'}.${format}`);
