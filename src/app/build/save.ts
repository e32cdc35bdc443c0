/** The network as a file, and its drawing as a picture. */
import type { NetworkSpec } from '../../network/spec.ts';

/** Pixels a unit of the drawing. */
const SCALE = 3;

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
  canvas.width = SCALE * width;
  canvas.height = SCALE * height;
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

function save(blob: Blob, { name }: NetworkSpec, format: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${name || 'network'}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
