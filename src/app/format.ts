/**
 * Numbers as people read them, in the language of the page.
 */

/** A fraction as a percentage with one decimal: 0.1234 → "12.3 %". */
export function percent(fraction: number, language: string): string {
  return new Intl.NumberFormat(language, {
    style: 'percent',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(fraction);
}

/** A fraction as a percentage, with a decimal only where it has one: 0.25 → "25 %". */
export function wholePercent(fraction: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(
    fraction,
  );
}

export function integer(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** Three significant digits with a decimal prefix: 30_950_000_000 → "31.0 G". */
export function prefixed(value: number): string {
  let scaled = value;
  let index = 0;
  while (Math.abs(scaled) >= 999.5 && index < PREFIXES.length - 1) {
    scaled /= 1000;
    index += 1;
  }
  const digits = index === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${PREFIXES[index]}`.trimEnd();
}

/** Three significant digits, of which at most three after the point: 12.345 → "12.3", 0.001234 → "0.001". */
export function significant(value: number, language: string): string {
  return new Intl.NumberFormat(language, {
    maximumSignificantDigits: 3,
    maximumFractionDigits: 3,
    roundingPriority: 'lessPrecision',
  }).format(value);
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB'];

/** Three significant digits with a binary prefix: 1_310_720 → "1.25 MiB". */
export function binary(bytes: number, language: string): string {
  let scaled = bytes;
  let index = 0;
  while (scaled >= 1000 && index < BINARY.length - 1) {
    scaled /= 1024;
    index += 1;
  }
  return `${significant(scaled, language)} ${BINARY[index]}`;
}

/** Three significant digits: 36_106_894 → "36.1 MB". */
export function megabytes(bytes: number, language: string): string {
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: 'megabyte',
    maximumSignificantDigits: 3,
  }).format(bytes / 1e6);
}

const SPANS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** Seconds roughly, in the largest unit that there are two of: 5400 → "90 minutes". */
export function span(seconds: number, language: string): string {
  const [unit, length] = SPANS.find(([, length]) => seconds >= 2 * length) ?? SPANS[3];
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumSignificantDigits: 2,
  }).format(seconds / length);
}

/** Seconds as m:ss or h:mm:ss. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
