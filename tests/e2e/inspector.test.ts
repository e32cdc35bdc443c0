/** The inspector: looks inside a network that trains, from its link, by keyboard, in both languages and at every size. */
import { expect } from '@playwright/test';
import type { Locator, Page } from '@playwright/test';
import { SIZES, TINY, button, cell, open, overflow, state, test } from './page.ts';

const NETWORK = 'residual-8';
const VIEWS = ['maps', 'where', 'statistics', 'predictions'];

const iterations = async (page: Page) =>
  Number((await page.getByTestId('iteration').innerText()).replaceAll(/\D/g, ''));

/** How many colours a canvas shows. */
const colours = (canvas: Locator) =>
  canvas.evaluate((element: HTMLCanvasElement) => {
    const { width, height } = element;
    const { data } = element.getContext('2d')!.getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size;
  });

test('looks inside a network while it trains and when it is done', async ({ page }) => {
  await open(page, `${TINY.replace(/networks=[^&]*/, `networks=${NETWORK}`)}&steps=6&evalEvery=6`);
  await page.getByRole('link', { name: 'Inspector' }).click();
  await expect(page.getByTestId('said')).toContainText('Network says', { timeout: 60_000 });
  expect(await iterations(page)).toBe(0);

  // The maps follow the training to its end.
  await button(page, 'Start').click();
  await expect.poll(() => iterations(page), { timeout: 90_000 }).toBe(6);

  // By keyboard: another layer, another map, another view; the link says so.
  await page.getByRole('listbox', { name: 'Layers' }).focus();
  await page.keyboard.press('Home');
  await expect(page.getByRole('heading', { name: 'What conv1 hands on' })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('heading', { name: 'What relu hands on' })).toBeVisible();
  const maps = page.getByRole('slider', { name: /Chosen map/ });
  await maps.focus();
  await page.keyboard.press('ArrowRight');
  await expect(maps).toHaveAttribute('aria-valuenow', '1');
  expect(await colours(page.locator('.inspect-mosaic canvas'))).toBeGreaterThan(8);
  expect(
    await colours(page.getByRole('img', { name: '4 filters of 3 × 3 pixels' })),
  ).toBeGreaterThan(8);
  await page.getByRole('tab', { name: 'Feature maps' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Where it looks' })).toHaveAttribute(
    'aria-selected',
    'true',
  );
  expect(page.url()).toContain('layer=relu&view=where');

  // A link opens the same again.
  await page.goto(`#/inspect?network=${NETWORK}&layer=layer2.0.relu2&image=5&view=where`);
  const named = page.getByTestId('target');
  await expect(named).toBeVisible();
  const likeliest = await named.innerText();
  expect(await page.getByTestId('said').innerText()).toContain(likeliest.split(' ')[0]);
  expect(await colours(page.locator('.inspect-stack .pixels').nth(1))).toBeGreaterThan(4);
  await button(page, 'Cover patch by patch').click();
  await expect(page.getByText(/falls by/)).toBeVisible({ timeout: 60_000 });

  // A count over the whole test set agrees with the error that the experiment measured by itself.
  await page.getByRole('tab', { name: 'Predictions' }).click();
  const bars = page.getByTestId('bars').locator('output');
  const shares = (await bars.allInnerTexts()).map((text) => parseFloat(text));
  expect(Math.abs(shares.reduce((a, b) => a + b, 0) - 100)).toBeLessThan(1);
  await page.getByLabel('Test pictures').selectOption('10000000');
  await button(page, 'Count answers').click();
  const accuracy = page.getByTestId('accuracy');
  await expect(accuracy).toContainText('after 6 iterations', { timeout: 90_000 });
  const [right = NaN, count = NaN] = (await accuracy.innerText())
    .replaceAll(',', '')
    .match(/\d+/g)!
    .map(Number);
  const cells = page.locator('.inspect-confusion tbody button');
  const counts = (await cells.allInnerTexts()).map((text) => Number(text) || 0);
  expect(counts.reduce((a, b) => a + b, 0)).toBe(count);
  // A cell opens its pictures, and a picture is inspected.
  const wrong = page.locator('.inspect-confusion td[data-right="false"] button:enabled').first();
  await wrong.click();
  const gallery = page.getByRole('region', { name: /taken for .*:/ });
  await expect(gallery.getByRole('listitem')).toHaveCount(
    Math.min(24, Number(await wrong.innerText())),
  );
  await gallery.getByRole('button').first().click();
  expect(page.url()).toMatch(/image=\d+/);

  // Statistics of the step that would come next.
  await page.getByRole('tab', { name: 'Statistics' }).click();
  await expect(page.getByText('in training step 7')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByTestId('dead')).toHaveText(/^\d+$/);
  await expect(page.getByRole('img', { name: /^Mean of each channel of layer3/ })).toBeVisible();

  // Both languages, three sizes.
  for (const language of ['en', 'zh']) {
    if (language === 'zh') await page.getByRole('radio', { name: '中文' }).click();
    for (const view of VIEWS) {
      await page.goto(`#/inspect?view=${view}`);
      await expect(page.getByRole('tabpanel').locator('h3, figcaption').first()).toBeVisible();
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        await expect
          .poll(() => overflow(page), `${language} ${view} at ${width}`)
          .toBeLessThanOrEqual(0);
      }
    }
  }
  await page.getByRole('link', { name: '实验', exact: true }).click();
  await page.getByRole('radio', { name: 'English' }).click();
  await expect(state(page)).toHaveText('Finished');
  await page.setViewportSize({ width: 1440, height: 900 });
  const error = parseFloat(await cell(page, NETWORK, 'Test error'));
  expect(error).toBeCloseTo(100 * (1 - right / count), 1);
});
