/**
 * The curves of an experiment as a CSV file. The app's export button and the headless runner write
 * the same bytes for the same rows.
 */

/** The columns, in order. */
const CSV_COLUMNS = [
  'network',
  'iteration',
  'train_loss',
  'train_error',
  'test_error',
  'seconds',
] as const;

/** One row: errors are fractions 0…1; `testError` is null where the test set was not evaluated. */
export interface CsvRow {
  network: string;
  iteration: number;
  trainLoss: number;
  trainError: number;
  testError: number | null;
  /** Null leaves the field empty, so that equal runs give equal bytes. */
  seconds: number | null;
}

/** The header line, with its line end. */
export const CSV_HEADER = `${CSV_COLUMNS.join(',')}\n`;

/**
 * One line, with its line end. Numbers are written in full, so that equal runs give equal bytes; an
 * absent test error leaves its field empty. Names of networks (`plain-20`) need no quotes.
 */
export function csvLine(row: CsvRow): string {
  const { network, iteration, trainLoss, trainError, testError, seconds } = row;
  return `${[network, iteration, trainLoss, trainError, testError ?? '', seconds ?? ''].join(',')}\n`;
}

/** The whole file. */
export function csvFile(rows: Iterable<CsvRow>): string {
  let text = CSV_HEADER;
  for (const row of rows) text += csvLine(row);
  return text;
}
