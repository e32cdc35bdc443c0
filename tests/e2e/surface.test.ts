/** The loss surface of two networks in a real browser, and the line between them. */
import { readFile } from 'node:fs/promises';
import { expect } from '@playwright/test';
import { TINY, button, open, state, test } from './page.ts';

test('two networks side by side, from coarse to fine, as contour, surface and line', async ({
  page,
}) => {
  await open(page, `${TINY.replace(/networks=[^&]*/, 'networks=plain-8,residual-8')}&steps=4`);
  await button(page, 'Start').click();
  await expect(state(page)).toHaveText('Finished', { timeout: 90_000 });
  await page.evaluate(() => (location.hash = '#/surface?points=5&images=16&range=2'));
  const status = page.getByRole('main').getByRole('status');
  await expect(status).toHaveText(/^about .* second/, { timeout: 90_000 });

  await button(page, 'Compute').click();
  await expect(status).toHaveText(/ of 50 points/);
  const [plain, residual] = ['plain-8', 'residual-8'].map((id) =>
    page.getByRole('figure', { name: `Loss around ${id}` }),
  );
  for (const figure of [plain!, residual!]) {
    await expect(figure.getByText('after 4 iterations, on 16 images')).toBeVisible({
      timeout: 90_000,
    });
    await expect(figure.locator('.contourlayer path').first()).toBeAttached();
    const [middle, least, most] = (await figure.locator('dd').allInnerTexts()).map(Number);
    expect(least).toBeLessThanOrEqual(middle!);
    expect(most).toBeGreaterThan(middle!);
  }

  // What is exported is what was computed.
  const download = page.waitForEvent('download');
  await button(page, 'Export').click();
  await page.getByRole('menuitem', { name: 'Numbers as JSON' }).click();
  const file = JSON.parse(await readFile(await (await download).path(), 'utf8')) as {
    question: { network: string };
    points: { x: number; y: number; loss: number }[];
  };
  expect(file.question.network).toBe('plain-8');
  expect(file.points).toHaveLength(25);
  expect(file.points[0]).toMatchObject({ x: 0, y: 0 });
  await expect(plain!.locator('dd').first()).toHaveText(file.points[0]!.loss.toPrecision(3));

  // The surface turns by keyboard, and the link says how it is shown.
  await page.getByRole('radio', { name: 'Surface to turn' }).click();
  const relief = plain!.getByRole('img', { name: /arrow keys/ });
  const pixels = () => relief.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const before = await pixels();
  await relief.focus();
  await relief.press('ArrowLeft');
  await expect.poll(pixels).not.toBe(before);
  expect(page.url()).toContain('show=relief');

  await page.getByRole('radio', { name: 'A line' }).click();
  await page.getByRole('radio', { name: 'the other network' }).click();
  await button(page, 'Compute').click();
  const line = page.getByRole('figure', { name: 'Loss along the line' });
  await expect(line.locator('.scatterlayer .trace')).toHaveCount(2, { timeout: 90_000 });
  await expect(button(page, 'Compute')).toBeEnabled({ timeout: 90_000 });
});
