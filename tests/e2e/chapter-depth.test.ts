/** The chapter on depth in a real browser: its argument against plain loops, a construction and a twin that train. */
import { expect, type Page } from '@playwright/test';
import { normal, streamOf } from '../../src/random.ts';
import { expectFits, expectOnProjector, present, test } from './page.ts';

/** One under which the first weights drawn leave two units alive. */
const SEED = 1;

/** The argument in float64: how far the second layer is from the identity. */
function distances(seed: number, scale: number): { plain: number; residual: number } {
  const drawn = (name: string, count: number, factor: number) =>
    Array.from({ length: count }, (_, i) => Math.fround(factor * normal(seed, streamOf(name), i)));
  const times = (weight: number[], x: number[]) =>
    x.map((_, o) => x.reduce((sum, value, i) => sum + value * weight[4 * o + i]!, 0));
  const relu = (x: number[]) => x.map((value) => Math.max(0, value));
  const spread = Math.sqrt(2 / 4);
  const h = relu(times(drawn('W1 1', 16, spread), drawn('x', 4, 1)));
  const z = times(drawn('W2', 16, scale * spread), h);
  const far = (y: number[]) => Math.hypot(...y.map((value, i) => value - h[i]!)) / Math.hypot(...h);
  return { plain: far(relu(z)), residual: far(relu(z.map((value, i) => value + h[i]!))) };
}

test('the argument in numbers, by keyboard, in both languages and at three sizes', async ({
  page,
}) => {
  await page.goto(`#/depth?scale=0.95&seed=${SEED}`);
  await expect(page.getByRole('link', { name: 'Experiment' })).toBeVisible();
  const shown = page.locator('.depth-argument .readings dd');
  await page.getByRole('slider', { name: 'Weights' }).press('ArrowRight');
  await expect(page).toHaveURL(/scale=1(&|$)/);
  const { plain, residual } = distances(SEED, 1);
  expect(residual).toBeGreaterThan(0.1);
  await expect
    .poll(() => shown.allInnerTexts())
    .toEqual([plain.toPrecision(3), residual.toPrecision(3)]);
  await page.getByRole('button', { name: /^Residual: Distance/ }).press('Enter');
  await expect(page.getByRole('dialog')).toContainText('elementwise/');
  await page.keyboard.press('Escape');

  // By hand both are the identity.
  await page.getByRole('radio', { name: 'Set by hand' }).press('Enter');
  await expect.poll(() => shown.allInnerTexts()).toEqual(['0', '0']);
  await expectFits(page);
  await present(page, 'depth', 5);
});

/** The card that a number opens: the kernels' value and the reference's. */
async function proven(page: Page, name: RegExp): Promise<[number, number]> {
  await page.getByRole('button', { name }).press('Enter');
  const cells = page.getByRole('dialog').locator('td');
  await expect(cells).toHaveCount(3, { timeout: 60_000 });
  const [kernel = NaN, reference = NaN] = (await cells.allInnerTexts()).map(Number);
  await expect(page.getByRole('dialog')).toContainText('@compute');
  await page.keyboard.press('Escape');
  return [kernel, reference];
}

test('a deeper network is built that does as the shallow one, and trains on; a twin is cut', async ({
  page,
}) => {
  await page.goto('#/depth?view=construction&residual=true&deep=14&steps=8');
  const table = page.locator('.depth-table').first();
  await expect(table).toBeVisible({ timeout: 150_000 });
  const cells = (row: number) => table.getByRole('row').nth(row).getByRole('cell').allInnerTexts();
  const [shallow, deep, off] = await cells(1);
  expect(shallow).toMatch(/^\d+\.\d% \(\d+ wrong\)$/);
  expect(deep).toBe(shallow);
  expect(off).toBe('0');
  for (const row of [3, 4]) expect(Number((await cells(row)).at(-1))).toBeLessThan(1e-5);

  await page.getByText('The logits of the first image').click();
  const [logit, exact] = await proven(page, /^residual-14: logit of disc/);
  expect(Math.abs(logit - exact)).toBeLessThan(1e-3);
  const [error, right] = await proven(page, /^residual-8: Training error/);
  expect(`${(100 * error).toFixed(1)}%`).toBe(shallow?.split(' ')[0]);
  expect(Math.abs(error - right)).toBeLessThan(0.002);
  await page.getByRole('button', { name: 'Train both on' }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expectFits(page);
  await page.getByText('The logits of the first image').click();
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.getByRole('button', { name: 'Present in class' }).click();
  await expectOnProjector(page);
  await page.keyboard.press('Escape');

  // It begins by itself, and ends: untouched, the twin is the same in every bit.
  const built = 'residual=true&deep=14&steps=8';
  await page.goto(`#/depth?${built}&view=twin&network=residual-8&touch=none&split=3`);
  const readings = page.locator('.depth-twin .readings dd');
  await expect(readings.first()).toHaveText('6', { timeout: 150_000 });
  await expect(readings.nth(1)).toHaveText('0');
  await expect(page.locator('.depth-marks li')).toHaveText('Step 3: the twin splits off');
  await page.getByRole('button', { name: 'Train on' }).click();
  await page.getByRole('switch', { name: 'layer1.0: shortcut connected' }).press('Space');
  await expect(page.locator('.depth-marks li').nth(1)).toContainText('shortcut of layer1.0 cut');
  await expect
    .poll(async () => Number((await readings.nth(1).innerText()).replace(',', '')))
    .toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('button', { name: 'Train on' })).toBeVisible();
  const [distance, repeated] = await proven(page, /^Distance/);
  expect(distance).toBeGreaterThan(0);
  expect(Math.abs(repeated / distance - 1)).toBeLessThan(0.02);
  await expectFits(page);

  // What was trained is still there after a look at another view.
  await page.getByRole('radio', { name: 'The construction' }).click();
  await expect(table).toBeVisible();
});
