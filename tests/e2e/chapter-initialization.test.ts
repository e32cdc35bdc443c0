/** The chapter on initialization in a real browser: its numbers against float64 loops over the same random numbers, run here. */
import { expect, type Page } from '@playwright/test';
import { normal } from '../../src/random.ts';
import { expectFits, present, test } from './page.ts';

const [WIDTH, DEPTH, SAMPLES] = [256, 10, 16];

const deviation = (values: readonly number[]): number => {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

/** Deviations by layer, the share of zeros of the last output and its first element, from plain sums over plain arrays. */
function expectation(std: number, activation: 'relu' | 'tanh', seed: number) {
  const f = activation === 'relu' ? (z: number) => Math.max(0, z) : Math.tanh;
  const slope = activation === 'relu' ? (h: number) => (h > 0 ? 1 : 0) : (h: number) => 1 - h * h;
  const drawn = (stream: number) =>
    Array.from({ length: SAMPLES }, (_, n) =>
      Array.from({ length: WIDTH }, (_, i) => Math.fround(normal(seed, stream, n * WIDTH + i))),
    );
  const weights = Array.from({ length: DEPTH }, (_, layer) =>
    Float64Array.from({ length: WIDTH * WIDTH }, (_, i) => std * normal(seed, layer + 1, i)),
  );
  const h = [drawn(0)];
  for (const weight of weights) {
    h.push(
      h
        .at(-1)!
        .map((row) =>
          row.map((_, o) => f(row.reduce((sum, x, i) => sum + x * weight[o * WIDTH + i]!, 0))),
        ),
    );
  }
  const gradients = [drawn(DEPTH + 1)];
  for (let layer = DEPTH; layer > 0; layer--) {
    gradients.unshift(
      gradients[0]!.map((row, n) => {
        const dz = row.map((g, o) => g * slope(h[layer]![n]![o]!));
        return dz.map((_, i) =>
          dz.reduce((sum, g, o) => sum + g * weights[layer - 1]![o * WIDTH + i]!, 0),
        );
      }),
    );
  }
  const last = h[DEPTH]!.flat();
  return {
    forward: h.map((rows) => deviation(rows.flat())),
    backward: gradients.map((rows) => deviation(rows.flat())),
    zeros: last.filter((value) => value === 0).length / last.length,
    output: h[DEPTH]![0]!.find((value) => value !== 0)!,
  };
}

const reading = async (page: Page, name: string): Promise<number> =>
  Number((await page.locator(`[data-reading="${name}"]`).innerText()).replace('%', ''));

async function open(page: Page, query: string): Promise<void> {
  await page.goto(`#/initialization${query}`);
  await expect(page.locator('.initialization-progress[data-done=true]')).toBeVisible({
    timeout: 30_000,
  });
}

for (const [activation, rule, std] of [
  ['relu', 'small', 0.01],
  ['tanh', 'kaiming', Math.sqrt(2 / WIDTH)],
] as const) {
  test(`with ${activation} and σ ${std.toPrecision(2)}, deviations are those of float64 at every layer`, async ({
    page,
  }) => {
    const exact = expectation(std, activation, 5);
    await open(page, `?activation=${activation}&rule=${rule}&seed=5`);
    for (const phase of ['forward', 'backward'] as const) {
      const shown = page.locator(`[data-kind=${phase}] + small`);
      const numbers = (await shown.allInnerTexts()).map(Number);
      expect(numbers).toHaveLength(DEPTH + 1);
      numbers.forEach((value, layer) => {
        // Two digits at least are shown, rounded.
        expect(Math.abs(value / exact[phase][layer]! - 1), `${phase} ${layer}`).toBeLessThan(0.05);
        if (exact[phase][layer]! >= 0.001)
          expect(value.toPrecision(3)).toBe(exact[phase][layer]!.toPrecision(3));
      });
    }
    expect(await reading(page, 'forward-zeros')).toBeCloseTo(100 * exact.zeros, 1);
    expect((await reading(page, 'output')) / exact.output).toBeCloseTo(1, 1);
  });
}

test('by keyboard: another layer, another σ, and where a number comes from', async ({ page }) => {
  await open(page, '?rule=kaiming&layer=3');
  await page.getByRole('radio', { name: /^3 / }).press('ArrowRight');
  await expect(page).toHaveURL(/layer=4/);
  await page.getByRole('slider').press('ArrowRight');
  await expect(page).toHaveURL(/sigma=/);
  await expect(page.getByRole('radio', { name: 'own', exact: true })).toBeChecked();
  await expect(page.locator('.initialization-progress[data-done=true]')).toBeVisible();
  await page.getByRole('button', { name: /^Output \d+ of sample 0, layer 4/ }).press('Enter');
  const proof = page.getByRole('dialog');
  await expect(proof).toContainText('draw/draw');
  await expect(proof).toContainText('conv2d/conv2d');
  await expect(proof).toContainText('[256]');
});

test('a control that moves on ends what is being computed for another', async ({ page }) => {
  await page.goto('#/initialization?width=1024&rule=kaiming');
  await expect(page.locator('.initialization-layers small').nth(2)).not.toHaveText('…');
  await page.getByRole('radio', { name: '256', exact: true }).click();
  await expect(page.getByText('16 samples, width 256')).toBeVisible({ timeout: 30_000 });
  await expect(page).not.toHaveURL(/width/);
});

test('fits every screen and the projector, and stands alone in another page', async ({ page }) => {
  await open(page, '');
  await expectFits(page);
  await present(page, 'initialization', 7);
  await page.goto('#/initialization?embed=1');
  await expect(page.locator('.initialization-layers button')).toHaveCount(DEPTH + 1);
  await expect(page.getByRole('heading', { level: 2 })).toHaveCount(0);
});
