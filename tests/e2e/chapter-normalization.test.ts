/** The chapter on normalization in a real browser: its numbers against plain sums over the same tensor. */
import { expect, type Page } from '@playwright/test';
import {
  PLACES,
  activations,
  indexOf,
  randomActivation,
} from '../../src/app/chapters/normalization/block.ts';
import type { Place } from '../../src/app/chapters/normalization/block.ts';
import { decimals } from '../../src/app/chapters/short.ts';
import { expectFits, present, test } from './page.ts';

const EPS = 1e-5;

/** What the page must show of an element whose group is all that `together` takes in. */
function expectation(place: Place, together: (other: Place) => boolean, seed = 1) {
  const { data } = activations(randomActivation(seed));
  const members = PLACES.filter(together).map((other) => data[indexOf(other)]!);
  const mean = members.reduce((sum, x) => sum + x, 0) / members.length;
  const variance = members.reduce((sum, x) => sum + (x - mean) ** 2, 0) / members.length;
  const x = data[indexOf(place)]!;
  return {
    count: members.length,
    mean,
    variance,
    x,
    normalized: (x - mean) / Math.sqrt(variance + EPS),
  };
}

const findings = (page: Page) => page.getByRole('region', { name: 'What is computed' });
const readings = (page: Page) => findings(page).locator('dd');
const fixed = (value: number) => decimals(value, 3);

const place = { n: 1, c: 2, p: 5 };
const METHODS: [string, (other: Place) => boolean][] = [
  ['method=batch', ({ c }) => c === 2],
  ['method=layer', ({ n }) => n === 1],
  ['method=instance', ({ n, c }) => n === 1 && c === 2],
  ['method=group&groups=4', ({ n, c }) => n === 1 && (c === 2 || c === 3)],
  ['method=free&axes=c', ({ n, p }) => n === 1 && p === 5],
  ['method=free&axes=ncp', () => true],
];

for (const [query, together] of METHODS) {
  test(`mean, variance and the element under ${query}`, async ({ page }) => {
    await page.goto(`#/normalization?${query}&gamma=1.5&beta=0.5`);
    const want = expectation(place, together);
    const shown = readings(page);
    await expect(shown.nth(0)).toContainText(`${want.count} `);
    await expect(shown.nth(1)).toHaveText(fixed(want.mean));
    await expect(shown.nth(2)).toHaveText(fixed(want.variance));
    const y = 1.5 * want.normalized + 0.5;
    await expect(shown.nth(3)).toHaveText(
      `${fixed(want.x)} → ${fixed(want.normalized)} → ${fixed(y)}`,
    );
    const spread = (1.5 ** 2 * want.variance) / (want.variance + EPS);
    await expect(shown.nth(4)).toHaveText(`${fixed(0.5)}, ${fixed(spread)}`);
    await expect(page.locator('.cell[data-lit=true]')).toHaveCount(want.count);
  });
}

test('axes switched by hand become a norm by name; the keyboard moves the element', async ({
  page,
}) => {
  await page.goto('#/normalization');
  const built = page.getByRole('status').filter({ hasText: 'norm' });
  await expect(built).toContainText('Batch norm');
  await page.getByRole('button', { name: 'N', exact: true }).press('Enter');
  await expect(built).toContainText('Instance norm');
  await expect(page.getByRole('radio', { name: 'instance' })).toBeChecked();
  await page.getByRole('button', { name: 'C', exact: true }).press('Enter');
  await expect(built).toContainText('Layer norm');
  await page.getByRole('button', { name: 'H·W', exact: true }).press('Enter');
  await expect(built).toContainText('transformers');
  await expect(page).toHaveURL(/method=free&axes=c/);

  const block = page.getByRole('slider', { name: /^Tensor of/ });
  await block.press('ArrowRight');
  await block.press('ArrowDown');
  await block.press('PageDown');
  await expect(block).toHaveAttribute('aria-valuetext', 'picture 3, channel 4, position 7');
  const moved = { n: 2, c: 3, p: 6 };
  const { mean } = expectation(moved, ({ n, p }) => n === 2 && p === 6);
  await expect(readings(page).nth(1)).toHaveText(fixed(mean));
});

test('a number says where it comes from', async ({ page }) => {
  await page.goto('#/normalization?method=group&groups=4');
  await page.getByRole('button', { name: /^Variance σ²: where/ }).press('Enter');
  await expect(page.getByRole('dialog')).toContainText('group_norm/statistics');
});

test('in evaluation the statistics are the running ones, and an element has one value in any company', async ({
  page,
}) => {
  await page.goto('#/normalization?mode=evaluate&view=batches');
  // torch.nn.BatchNorm2d: 40 batches, momentum 0.1, from mean 0.
  let running = 0;
  for (let batch = 1; batch <= 40; batch++) {
    const { data } = activations(randomActivation(1), batch);
    const members = PLACES.filter(({ c }) => c === 2).map((other) => data[indexOf(other)]!);
    running = 0.9 * running + (0.1 * members.reduce((sum, x) => sum + x, 0)) / members.length;
  }
  await expect(readings(page).nth(1)).toHaveText(fixed(running));
  await expect(page.getByText('always the same')).toBeVisible();
  // The number's reference is a recurrence of its own, on plain sums.
  await page.getByRole('button', { name: /^Mean μ: where/ }).press('Enter');
  const proof = page.getByRole('dialog');
  await expect(proof).toContainText('running_mean [8]');
  const [byKernel = NaN, byReference = NaN] = (await proof.locator('td').allInnerTexts()).map(
    Number,
  );
  expect(byKernel).not.toBe(byReference);
  expect(Math.abs(byKernel - byReference)).toBeLessThan(1e-5);
  expect(Math.abs(byReference - running)).toBeLessThan(1e-12);
  await page.keyboard.press('Escape');
  await page.getByRole('radio', { name: 'of the batch' }).click();
  await expect(page.getByText('always the same')).toHaveCount(0);
});

test('fits every screen and the projector, and stands alone in another page', async ({ page }) => {
  await page.goto('#/normalization?method=group');
  await expect(page.locator('.tensor')).toBeVisible();
  await expectFits(page);
  await present(page, 'normalization', 8);
  await page.goto('#/normalization?embed=1&hide=gamma,beta');
  await expect(page.locator('.tensor')).toBeVisible();
  await expect(page.getByRole('heading', { level: 2 })).toHaveCount(0);
  await expect(page.getByRole('slider', { name: 'γ' })).toHaveCount(0);
});

test('takes the activations of a network that trains, and says of which layer and when', async ({
  page,
}) => {
  await page.goto('#/?networks=residual-8&width=4&size=16&batch=8&steps=3&evalEvery=3');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('link', { name: 'Normalization' }).click();
  const random = await readings(page).nth(1).textContent();
  await page.getByRole('combobox', { name: 'Tensor' }).selectOption('residual-8');
  await expect(page.getByText(/^residual-8, layer\d.*after \d steps/)).toBeVisible();
  await expect(readings(page).nth(1)).not.toHaveText(random ?? '');
  await page.getByRole('combobox', { name: 'Layer' }).selectOption('layer3.0.conv1');
  await expect(page.getByText('residual-8, layer3.0.conv1')).toBeVisible();
  await expect(page).toHaveURL(/of=residual-8(\/|%2F)layer3.0.conv1/);
});

test('a link to a network says what to do where no experiment stands, and shows random activations', async ({
  page,
}) => {
  await page.goto('#/normalization?of=residual-20');
  await expect(page.getByRole('alert')).toContainText('Open the experiment');
  const want = expectation(place, ({ c }) => c === 2);
  await expect(readings(page).nth(1)).toHaveText(fixed(want.mean));
});
