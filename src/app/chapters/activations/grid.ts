/** Where the curves are computed, and where the point can stand: from −SPAN to SPAN. */
export const SPAN = 6;
export const STEP = 0.05;
const COUNT = Math.round((2 * SPAN) / STEP) + 1;

/** As float32 holds them. */
export const XS = Array.from({ length: COUNT }, (_, i) => Math.fround(i * STEP - SPAN));

/** The index in {@link XS} of the place nearest to `x`. */
export const placeOf = (x: number): number =>
  Math.min(COUNT - 1, Math.max(0, Math.round((x + SPAN) / STEP)));

/** The same as links and texts have it. */
export const xAt = (place: number): number => Number((place * STEP - SPAN).toFixed(2));
