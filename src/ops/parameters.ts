/** Parameters as JSON Schema, for what is made of them: documents and forms. */
import { z } from 'zod';

/** The part of JSON Schema that zod writes for parameters. */
export interface ParameterSchema {
  type?: string;
  enum?: unknown[];
  const?: string;
  anyOf?: ParameterSchema[];
  oneOf?: ParameterSchema[];
  items?: ParameterSchema;
  prefixItems?: ParameterSchema[];
  properties?: Record<string, ParameterSchema>;
  required?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
}

/** As a person would give them: those that have a default may be left out. */
export const schemaOf = (params: z.ZodType): ParameterSchema =>
  z.toJSONSchema(params, { io: 'input' }) as ParameterSchema;
