/** The chapter on dropout in a real browser: its numbers against the reference, run here on the same network. */
import { expect, type Page } from '@playwright/test';
import { INPUT, LINEAR } from '../../src/app/chapters/dropout/network.ts';
import { running } from '../../src/app/chapters/running.ts';
import { streamOf } from '../../src/random.ts';
import { drawMask } from '../../src/reference/dropout.ts';
import { expectFits, present, test } from './page.ts';

const PASSES = 1000;

/** y = W·x + b of one row. */
const linear = (layer: number, x: readonly number[]): number[] => {
  const { weight, bias } = LINEAR[layer]!;
  return [...bias.data].map((b, o) =>
    x.reduce((sum, value, i) => sum + value * weight.data[o * x.length + i]!, b),
  );
};
const relu = (x: readonly number[]) => x.map((value) => Math.max(0, value));

/** What the page must show, from plain sums over plain arrays. */
function expectation(drop: number, scheme: 'vanilla' | 'inverted', seed: number) {
  const hidden = relu(linear(1, relu(linear(0, [...INPUT.data]))));
  const key = { seed, iteration: 2, stream: streamOf('dropout') };
  const mask = drawMask([PASSES, hidden.length], drop, key).data;
  const factor = scheme === 'inverted' ? 1 / (1 - drop) : 1;
  const outputs = Array.from({ length: PASSES }, (_, row) =>
    linear(
      2,
      hidden.map((h, i) => h * mask[row * hidden.length + i]! * factor),
    ).at(0)!,
  );
  const [test = NaN] = linear(
    2,
    hidden.map((h) => (scheme === 'vanilla' ? h * (1 - drop) : h)),
  );
  return { outputs, test, mask, ...running(outputs) };
}

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const readings = (page: Page, name: string) => panel(page, name).locator('dd');

test('means, outputs and masks are those of the reference, for both schemes', async ({ page }) => {
  await page.goto('#/dropout?drop=0.3&passes=400&seed=5');
  for (const [name, scheme] of [
    ['Vanilla', 'vanilla'],
    ['Inverted', 'inverted'],
  ] as const) {
    const { outputs, mean, error, test, mask } = expectation(0.3, scheme, 5);
    const shown = readings(page, name);
    await expect(shown.nth(0)).toHaveText(outputs[399]!.toFixed(3));
    await expect(shown.nth(1)).toHaveText(`${mean[399]!.toFixed(3)} ± ${error[399]!.toFixed(3)}`);
    await expect(shown.nth(2)).toContainText(test.toFixed(3));
    await expect(shown.nth(3)).toContainText(scheme === 'vanilla' ? '5' : '0');
    await expect(shown.nth(3)).toContainText(scheme === 'vanilla' ? 'kernels: 1' : 'kernels: 0');
    const dropped = panel(page, name).locator('[data-dropped=true]');
    await expect(dropped).toHaveCount([...mask.slice(399 * 5, 400 * 5)].filter((m) => !m).length);
  }
});

test('without the scaling the mean lies off the output at test time, with it in the band', async ({
  page,
}) => {
  await page.goto('#/dropout');
  await expect(page.getByText('in the band')).toHaveCount(2);
  await page.getByRole('radio', { name: 'left out' }).click();
  await expect(page.getByText('off the band')).toHaveCount(2);
  await expect(page).toHaveURL(/scaling=false/);
});

test('by keyboard: one pass after the other, another unit, and where its value comes from', async ({
  page,
}) => {
  await page.goto('#/dropout?passes=1');
  await page.getByRole('button', { name: 'One more pass' }).press('Enter');
  await expect(page).toHaveURL(/passes=2/);
  await page.getByRole('slider', { name: 'Passes K' }).press('ArrowRight');
  await expect(page).toHaveURL(/passes=3/);
  await panel(page, 'Vanilla')
    .getByRole('radio', { name: /^Output/ })
    .press('ArrowUp');
  await expect(page).toHaveURL(/unit=9/);
  const unit = page.getByRole('button', { name: /^Layer 2, unit 5: where/ });
  await unit.first().press('Enter');
  await expect(page.getByRole('dialog')).toContainText('dropout/dropout');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Play' }).press('Enter');
  await expect(page).not.toHaveURL(/passes=3&/, { timeout: 5000 });
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
});

test('the letter p may mean either probability', async ({ page }) => {
  await page.goto('#/dropout?drop=0.3');
  await expect(panel(page, 'Inverted').locator('.code')).toContainText('>= p');
  await page.getByRole('radio', { name: 'keep', exact: true }).click();
  await expect(panel(page, 'Inverted').locator('.code')).toContainText('p = 0.70');
  await expect(panel(page, 'Inverted').locator('.code')).toContainText('h = h * m / p');
});

test('fits every screen and the projector, in both languages', async ({ page }) => {
  await page.goto('#/dropout?layers=both');
  await expect(page.locator('.scheme')).toHaveCount(2);
  await expectFits(page);
  await present(page, 'dropout', 6);
});
