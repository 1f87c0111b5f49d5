import { isNestedTooDeeply } from '../manifest/index.ts'
import type { GunValue } from './graph.ts'

/**
 * How a field crosses into GUN, which knows scalars only: `json` fields (objects and arrays) become a JSON string and come
 * back as what they were. By name, never by guessing: a text that looks like a list stays a text.
 */
export type FieldKind = 'text' | 'number' | 'boolean' | 'json'
export type FlatSchema = Readonly<Record<string, FieldKind>>

/** Strings of strings of JSON: OIP writes up to two. */
const MAX_LAYERS = 3

/**
 * An object as GUN can hold it. Fields the schema does not know, and those that are undefined or null, are left out.
 * @throws {TypeError} when a field is not of its kind: a bug of the caller
 */
export function encodeFlat(
  schema: FlatSchema,
  source: Readonly<Record<string, unknown>>,
): Record<string, GunValue> {
  const flat: Record<string, GunValue> = {}
  for (const [name, kind] of Object.entries(schema)) {
    const value = source[name]
    if (value === undefined || value === null) continue
    if (kind === 'json') flat[name] = JSON.stringify(value)
    else if (typeof value === (kind === 'text' ? 'string' : kind))
      flat[name] = value as string | number | boolean
    else throw new TypeError(`${name} is ${typeof value}, not ${kind}`)
  }
  return flat
}

/** The object again. Leniently: numbers may be written as text, JSON may be one or more layers deep; what fits nothing is left out. */
export function decodeFlat(
  schema: FlatSchema,
  flat: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(schema)) {
    if (!Object.hasOwn(flat, name)) continue
    const value = decodeField(kind, flat[name])
    if (value !== undefined) object[name] = value
  }
  return object
}

/**
 * What a JSON string holds, through up to {@link MAX_LAYERS} layers; anything else as it is; undefined for broken JSON, and for JSON that
 * is nested too deeply to be passed on.
 */
export function unwrapJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  let current: unknown = value
  for (let layer = 0; layer < MAX_LAYERS && typeof current === 'string'; layer += 1) {
    try {
      current = JSON.parse(current) as unknown
    } catch {
      return undefined
    }
  }
  return isNestedTooDeeply(current) ? undefined : current
}

function decodeField(kind: FieldKind, value: unknown): unknown {
  switch (kind) {
    case 'text':
      return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
    case 'number':
      return toNumber(value)
    case 'boolean':
      if (value === 'true' || value === 'false') return value === 'true'
      return typeof value === 'boolean' ? value : undefined
    case 'json': {
      const unwrapped = unwrapJson(value)
      return typeof unwrapped === 'object' && unwrapped !== null ? unwrapped : undefined
    }
  }
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,9})?$/.test(value) ? Number(value) : undefined
}
