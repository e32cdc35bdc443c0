/** The results of a check by op, and as text for a bug report. */
import type { CheckResult, DeviceDescription } from '../../worker/protocol.ts';

export interface OpReport {
  op: string;
  samples: number;
  /** The worst sample against the reference, and the worst gradient against finite differences. */
  kernel: CheckResult;
  gradient: CheckResult;
  passed: boolean;
}

/** Ops in the order in which they were checked. */
export function reportsOf(results: readonly CheckResult[]): OpReport[] {
  const byOp = new Map<string, CheckResult[]>();
  for (const result of results) byOp.set(result.op, [...(byOp.get(result.op) ?? []), result]);
  return [...byOp].flatMap(([op, own]) => {
    const worst = (of: 'kernel' | 'gradient') => own.toSorted((a, b) => b[of] - a[of])[0];
    const [kernel, gradient] = [worst('kernel'), worst('gradient')];
    if (!kernel || !gradient) return [];
    const passed = kernel.kernel <= 1 && gradient.gradient <= 1;
    return [{ op, samples: own.length, kernel, gradient, passed }];
  });
}

/** What to paste into a bug report. Errors are in units of what is allowed. */
export function reportText(
  results: readonly CheckResult[],
  total: number,
  device: DeviceDescription,
  userAgent: string,
): string {
  const reports = reportsOf(results);
  const number = (value: number) => value.toExponential(2);
  const lines = reports.map(
    ({ op, samples, kernel, gradient, passed }) =>
      `${passed ? 'ok  ' : 'FAIL'} ${op}: ${samples} samples, kernel ${number(kernel.kernel)}, gradient ${number(gradient.gradient)}`,
  );
  const faults = results
    .filter(({ kernel, gradient }) => !(kernel <= 1 && gradient <= 1))
    .map(
      ({ title, tensor, kernel, failure }) =>
        `  ${title}: ${failure ?? `${tensor} ${number(kernel)}`}`,
    );
  return [
    `Fathom's check of this adapter: ${results.length} of ${total} samples`,
    `adapter: ${device.description} (${device.vendor} ${device.architecture})${device.software ? ', software' : ''}`,
    `browser: ${userAgent}`,
    'errors in units of what is allowed: 1e-5 of the largest value against the float64 reference,',
    'whose gradients are held to finite differences',
    ...lines,
    ...(faults.length > 0 ? ['faults:', ...faults] : []),
  ].join('\n');
}
