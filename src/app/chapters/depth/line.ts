/** The chapter's line to the worker; apart from the rest, which is loaded with the chapter. */
import type { Remote } from 'comlink';
import { createContext } from 'react';
import type { DepthApi } from '../../../worker/protocol.ts';

export const DepthContext = createContext<Remote<DepthApi> | null>(null);
