/**
 * What changed between two registries, down to the JSON pointers edited and the slices touched.
 *
 * Pure. A change that touches no slice (a description, the order of keys) is listed too, with no
 * slices: people want to see that it will rebuild nothing.
 */
import { canonicalJson, compareText } from '../engine/index.ts'
import type { Json } from '../engine/index.ts'
import type { DocumentKind, Registry, RegistryDocument } from './registry.ts'

export interface RegistryChange {
  readonly kind: 'added' | 'changed' | 'removed'
  readonly what: DocumentKind
  /** unique among documents of its kind, e.g. `medical/synthea/v1` */
  readonly id: string
  /** JSON pointers (RFC 6901) of each edit; none for a whole document */
  readonly pointers: readonly string[]
  /** the slices that differ, by name: empty when no build can notice */
  readonly slices: readonly string[]
}

/** Every document that differs, by kind and id. `undefined`: there was no registry. */
export function diffRegistries(
  before: Registry | undefined,
  after: Registry,
): readonly RegistryChange[] {
  const name = ({ what, id }: RegistryDocument): string => `${what} ${id}`
  const old = new Map(before?.documents.map((document) => [name(document), document]))
  const changes: RegistryChange[] = []
  for (const document of after.documents) {
    const was = old.get(name(document))
    old.delete(name(document))
    if (was === undefined) changes.push(whole('added', document))
    else changes.push(...changed(was, document))
  }
  const removed = [...old.values()].map((document) => whole('removed', document))
  return [...changes, ...removed].toSorted(
    (a, b) => compareText(a.what, b.what) || compareText(a.id, b.id),
  )
}

const whole = (kind: 'added' | 'removed', document: RegistryDocument): RegistryChange => ({
  kind,
  what: document.what,
  id: document.id,
  pointers: [],
  slices: Object.keys(document.slices).toSorted(),
})

function changed(was: RegistryDocument, is: RegistryDocument): readonly RegistryChange[] {
  const pointers = jsonPointers(was.json, is.json, is.pointer)
  if (pointers.length === 0) return []
  const names = [...new Set([...Object.keys(was.slices), ...Object.keys(is.slices)])]
  const slices = names.filter((name) => !same(was.slices[name], is.slices[name])).toSorted()
  return [{ kind: 'changed', what: is.what, id: is.id, pointers, slices }]
}

const same = (a: unknown, b: unknown): boolean =>
  canonicalJson(a ?? null) === canonicalJson(b ?? null)

/**
 * The pointers of every difference between two JSON values, in document order.
 *
 * Lists are compared without their equal beginning and end, so one inserted member is one
 * pointer. A member that is gone is named by its old place.
 */
export function jsonPointers(before: Json, after: Json, at = ''): readonly string[] {
  if (same(before, after)) return []
  if (isList(before) && isList(after)) return listPointers(before, after, at)
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return names.flatMap((name) => {
      const pointer = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const [from, to] = [before[name], after[name]]
      if (from === undefined || to === undefined) return [pointer]
      return jsonPointers(from, to, pointer)
    })
  }
  return [at]
}

function listPointers(
  before: readonly Json[],
  after: readonly Json[],
  at: string,
): readonly string[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && same(before[head], after[head])) head++
  let tail = 0
  while (tail < shorter - head && same(before.at(-1 - tail), after.at(-1 - tail))) tail++
  const [from, to] = [before, after].map((list) => list.slice(head, list.length - tail))
  const longest = Math.max(from?.length ?? 0, to?.length ?? 0)
  return Array.from({ length: longest }, (_, index) => index).flatMap((index) => {
    const [old, current] = [from?.[index], to?.[index]]
    const pointer = `${at}/${head + index}`
    return old === undefined || current === undefined
      ? [pointer]
      : jsonPointers(old, current, pointer)
  })
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  value !== null && typeof value === 'object' && !isList(value)
