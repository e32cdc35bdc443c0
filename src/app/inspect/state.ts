/** What is inspected, as the link says it: `#/inspect?network=residual-20&image=7&layer=layer2.0.relu2&view=where`. */
import { z } from 'zod';
import { whole } from '../chapters/link.ts';

export const VIEWS = ['maps', 'where', 'statistics', 'predictions'] as const;
export type View = (typeof VIEWS)[number];

/** Each has a default; an empty name stands for the first network, and for the last layer that hands on images. */
export const stateSchema = z.object({
  network: z.string().default(''),
  layer: z.string().default(''),
  from: z.enum(['test', 'train']).default('test'),
  image: whole(0, 10_000_000, 0),
  view: z.enum(VIEWS).default('maps'),
});
export type InspectState = z.output<typeof stateSchema>;
