/** The layers of a setting, as the worker computes them one after the other. */
import { proxy } from 'comlink';
import { useEffect, useState } from 'react';
import type { Failure, SignalLayer, SignalSetting } from '../../../worker/protocol.ts';
import { useWorker } from '../../worker.ts';
import { REST } from '../ask.ts';

export interface Signal {
  /** Those computed so far; while none of the present setting is there, those of the one before. */
  layers: readonly SignalLayer[];
  /** The setting they are of. */
  of: SignalSetting | null;
  /** How many of how many of the present setting. */
  done: number;
  total: number;
  failure: Failure | null;
}

/** Computes whenever the setting changes (keep it with `useMemo`); what runs for another one ends with its layer. */
export function useSignal(setting: SignalSetting): Signal {
  const instruments = useWorker();
  const [known, setKnown] = useState<Pick<Signal, 'layers' | 'of' | 'failure'>>({
    layers: [],
    of: null,
    failure: null,
  });
  useEffect(() => {
    let wanted = true;
    const layers: SignalLayer[] = [];
    const hear = (layer: SignalLayer) => {
      if (!wanted) return false;
      layers.push(layer);
      setKnown({ layers: [...layers], of: setting, failure: null });
      return true;
    };
    const timer = setTimeout(() => {
      instruments
        .signal(setting, proxy(hear))
        .catch((failure: Failure) => wanted && setKnown({ layers: [], of: setting, failure }));
    }, REST);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [instruments, setting]);
  return {
    ...known,
    done: known.of === setting ? known.layers.length : 0,
    total: 2 * (setting.depth + 1),
  };
}
