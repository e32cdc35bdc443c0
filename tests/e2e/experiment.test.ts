/**
 * The first experiment in a real browser: four networks train, residual connections are switched in
 * mid-run, the same seed gives the same numbers, and a real data file takes the place of the built-in one.
 */
import { readFile } from 'node:fs/promises';
import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';
import { SOFTWARE } from '../../scripts/browser.mjs';
import {
  NETWORKS,
  TINY,
  button,
  cell,
  drop,
  iterations,
  open,
  row,
  state,
  test,
  trainingCurves,
} from './page.ts';

test('opens from a sub-path with everything configured', async ({ page }) => {
  await page.goto('');
  await expect(page.getByRole('heading', { name: 'Fathom', level: 1 })).toBeVisible();
  for (const network of ['plain-20', 'plain-56', 'residual-20', 'residual-56']) {
    await expect(row(page, network)).toBeVisible();
  }
  await expect(button(page, 'Start')).toBeEnabled({ timeout: 120_000 });
  // A software adapter is recognised: a smaller experiment was chosen, and the page says so.
  if (SOFTWARE) await expect(page.getByText('No GPU found')).toBeVisible();
});

test('four networks train to the end and are exported; the same seed repeats them, a new one does not', async ({
  page,
}) => {
  const steps = 12;
  const results = () =>
    Promise.all(
      NETWORKS.map(async (network) => [
        await cell(page, network, 'Train error'),
        await cell(page, network, 'Test error'),
      ]),
    );
  const train = async () => {
    await expect.poll(() => iterations(page)).toEqual([0, 0, 0, 0]);
    await button(page, 'Start').click();
    await expect(state(page)).toHaveText('Finished', { timeout: 90_000 });
    await expect.poll(() => iterations(page)).toEqual(NETWORKS.map(() => steps));
    await expect.poll(async () => new Set(await trainingCurves(page)).size).toBe(4);
  };
  await open(page, `${TINY}&steps=${steps}`);
  await train();
  const first = await results();
  for (const errors of first) for (const error of errors) expect(error).toMatch(/^\d+\.\d%$/);
  const curves = await trainingCurves(page);
  await expectExports(page, steps);

  await button(page, 'Reset').click();
  await train();
  await expect.poll(results).toEqual(first);

  const address = page.url();
  await button(page, 'New seed').click();
  await expect(button(page, 'Start')).toBeEnabled();
  expect(page.url()).not.toBe(address);
  await train();
  expect(await trainingCurves(page)).not.toEqual(curves);
});

/** The chart as picture, drawing and numbers. */
async function expectExports(page: Page, steps: number): Promise<void> {
  const exported = async (item: string) => {
    await button(page, 'Export').click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: item }).click();
    return readFile(await (await download).path());
  };
  const png = await exported('PNG');
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect(png.length).toBeGreaterThan(10_000);

  const svg = (await exported('SVG')).toString();
  expect(svg).toContain('<svg');
  for (const network of NETWORKS) expect(svg).toContain(network);

  const [header, ...rows] = (await exported('CSV')).toString().trimEnd().split('\n');
  expect(header).toBe('network,iteration,train_loss,train_error,test_error,seconds');
  expect(rows.length).toBe(NETWORKS.length * steps);
  for (const network of NETWORKS) {
    const last = rows.findLast((line) => line.startsWith(`${network},${steps},`));
    // Test error stands on the last iteration, as a fraction.
    expect(Number(last?.split(',')[4])).toBeGreaterThan(0);
  }
}

test('a running experiment is paused and stepped, its connections switched, its learning rate changed', async ({
  page,
}) => {
  await open(page, `${TINY}&steps=5000`);
  await button(page, 'Start').click();
  const started = performance.now();
  await expect.poll(async () => Math.min(...(await iterations(page)))).toBeGreaterThan(2);
  const enoughForThree = performance.now() - started;

  await button(page, 'Pause').click();
  await expect(button(page, 'Resume')).toBeEnabled();
  // Steps that the GPU has in hand are still counted, and none after them.
  await expect(state(page)).toHaveText('Paused');
  await page.waitForTimeout(enoughForThree);
  const paused = await iterations(page);
  await page.waitForTimeout(enoughForThree);
  expect(await iterations(page)).toEqual(paused);

  await button(page, 'Step').click();
  await expect.poll(() => iterations(page)).toEqual(paused.map((iteration) => iteration + 1));

  // A residual connection is switched on while the network trains.
  await button(page, 'Resume').click();
  await expect.poll(async () => new Set(await trainingCurves(page)).size).toBe(4);

  const before = await iterations(page);
  const lines = await trainingCurves(page);
  const connections = page.getByRole('switch', { name: 'Residual connections of plain-14' });
  await expect(connections).not.toBeChecked();
  const strip = page.locator('.strip').filter({ hasText: 'plain-14' });
  await expect(strip).toHaveAttribute('data-connected', 'false');
  await connections.click();
  await expect(connections).toBeChecked();
  await expect(strip).toHaveAttribute('data-connected', 'true');
  await expect(page.getByText('plain-14: shortcuts on')).toBeVisible();

  // All four go on from where they were.
  await expect
    .poll(async () => (await iterations(page)).every((now, i) => now > before[i]! + 2))
    .toBe(true);
  await expect(state(page)).toHaveText('Training');
  await expect
    .poll(async () => (await trainingCurves(page)).every((path, i) => path !== lines[i]))
    .toBe(true);

  // The learning rate is changed while the networks train.
  await page.getByRole('tab', { name: 'Settings' }).click();
  const rate = page.getByRole('spinbutton', { name: 'Learning rate' });
  await rate.fill('0.02');
  // What is half typed does not count yet.
  expect(page.url()).not.toContain('learningRate');
  await rate.press('Enter');
  await expect(page.locator('.js-plotly-plot').getByText('Learning rate 0.02')).toBeVisible();
  expect(page.url()).toContain('learningRate=0.02');
  const changed = await iterations(page);

  await expect
    .poll(async () => (await iterations(page)).every((now, i) => now > changed[i]! + 2))
    .toBe(true);
  await expect(state(page)).toHaveText('Training');
});

test('slow motion passes through the drawing: forward, backward, update', async ({ page }) => {
  await open(page, `${TINY}&steps=200`);
  await page.getByRole('radio', { name: 'Slow motion' }).click();
  await button(page, 'Start').click();
  // Each stands for a moment only: looked for in every frame.
  for (const phase of ['forward: layer1.0.conv1', 'backward: layer1.0.conv1', 'update']) {
    await page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('.strip[data-phase] .strip-name')].some(({ textContent }) =>
          textContent.includes(wanted),
        ),
      phase,
      { polling: 'raf', timeout: 90_000 },
    );
  }
  // A toggle need not wait for the slow step to end by itself.
  const connections = page.getByRole('switch', { name: 'Residual connections of residual-8' });
  await connections.click();
  await expect(connections).not.toBeChecked({ timeout: 2000 });
  await page.getByRole('radio', { name: 'Full speed' }).click();
  await expect.poll(async () => Math.min(...(await iterations(page)))).toBeGreaterThan(3);
});

test('Fashion-MNIST files are dropped while it trains; damaged ones change nothing', async ({
  page,
}) => {
  await open(page, `${TINY}&steps=5000`);
  await button(page, 'Start').click();
  await expect.poll(async () => Math.min(...(await iterations(page)))).toBeGreaterThan(2);
  const names = ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'];
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      content: await readFile(`tests/fixtures/fashion-mnist-tiny/${name}`),
    })),
  );
  const [images, labels] = files;
  if (!images || !labels) throw new Error('two files');
  await drop(page, [{ ...images, content: images.content.subarray(0, 9000) }, labels]);
  await expect(page.getByText(/train-images-idx3-ubyte\.gz: expected/)).toBeVisible();
  const before = await iterations(page);
  await expect
    .poll(async () => (await iterations(page)).every((now, i) => now > before[i]! + 2))
    .toBe(true);
  await expect(state(page)).toHaveText('Training');

  await drop(page, files);
  await expect(page.getByText('100 training and 20 test images, 1×8×8')).toBeVisible();
  await expect.poll(() => iterations(page)).toEqual([0, 0, 0, 0]);
  await button(page, 'Step').click();
  await expect.poll(() => iterations(page)).toEqual([1, 1, 1, 1]);
});

test('archives, zips, arrays and Parquet files are dropped and trained on; damaged and foreign ones change nothing', async ({
  page,
}) => {
  await open(page, `${TINY.replace(/networks=[^&]*/, 'networks=plain-8')}&steps=12`);
  const train = async (iteration: number) => {
    await button(page, 'Step').click();
    await expect.poll(() => cell(page, 'plain-8', 'Iterations')).toBe(String(iteration));
  };
  const whole = await readFile('tests/fixtures/cifar10-tiny.tar.gz');
  const half = whole.subarray(0, whole.length / 2);
  await drop(page, [{ name: 'half.tar.gz', content: half }]);
  await expect(page.getByText(/half\.tar\.gz: expected/)).toBeVisible();
  await drop(page, [{ name: 'notes.tar.gz', content: Buffer.from('not a data set at all') }]);
  await expect(page.getByText(/notes\.tar\.gz: expected/)).toBeVisible();
  await expect(page.getByText('Built-in shapes').first()).toBeVisible();
  await train(1);

  await drop(page, [{ name: 'cifar-10-binary.tar.gz', content: whole }]);
  await expect(page.getByText('100 training and 20 test images, 3×8×8')).toBeVisible();
  await expect(page.getByText('airplane', { exact: true })).toBeVisible();
  await train(1);

  const opened = async (names: string[], expected: string) => {
    const files = names.map(async (name) => ({
      name: name.replace(/^.*\//, ''),
      content: await readFile(`tests/fixtures/${name}`),
    }));
    await drop(page, await Promise.all(files));
    await expect(page.getByText(expected)).toBeVisible();
    await train(1);
  };
  await opened(['own-images.zip'], '13 training and 2 test images, 3×8×8');
  await opened(['fashion-mnist-tiny.npz'], '20 training and 10 test images, 1×8×8');
  const hub = ['train', 'test'].map((part) => `hub/cifar10/${part}-00000-of-00001.parquet`);
  await opened(hub, '20 training and 10 test images, 3×8×8');
});

test('a damaged link opens what is valid and says what was not; a number that cannot be set is moved to the nearest', async ({
  page,
}) => {
  await page.goto(`#/?${TINY}&steps=12&batch=9999&colour=blue`);
  await expect(page.getByText('batch = “9999”')).toBeVisible();
  await expect(page.getByText('colour = “blue”')).toBeVisible();
  for (const network of NETWORKS) await expect(row(page, network)).toBeVisible();

  // So it is with a number that is typed.
  await page.getByRole('tab', { name: 'Settings' }).click();
  const width = page.getByRole('spinbutton', { name: 'Width' });
  await width.fill('7');
  await width.press('Enter');
  await expect(width).toHaveValue('8');
  await expect(page.getByText('7 cannot be set; nearest: 8')).toBeVisible();
});
