/** Zod's issues as lines a person can act on, each with its place in the file. */
import type { z } from 'zod'
import type { Json } from '../engine/index.ts'
import type { Issue, Path, Source } from './source.ts'

type ZodIssue = z.core.$ZodIssue

/** One registry issue for each thing wrong with a document's shape. No issue holds a value. */
export const shapeIssues = (error: z.ZodError, source: Source): readonly Issue[] =>
  error.issues.flatMap((issue) => issuesOf(issue, source, []))

function issuesOf(issue: ZodIssue, source: Source, above: Path): readonly Issue[] {
  const path = [...above, ...issue.path]
  const fault = (text: string, at: Path = path, place?: 'key'): Issue => ({
    ...source.at(at, place),
    kind: 'error',
    text,
  })
  switch (issue.code) {
    case 'unrecognized_keys': {
      const texts = issue.message.split('\n')
      return issue.keys.map((key, at) => fault(texts[at] ?? '', [...path, key], 'key'))
    }
    case 'invalid_key':
      return [fault(issue.issues[0]?.message ?? issue.message, path, 'key')]
    case 'invalid_union':
      return unionIssues(issue, source, path)
    case 'invalid_type':
      if (valueAt(source.json, path) === undefined && path.length > 0) {
        return [fault(`missing property ${String(path.at(-1))}`)]
      }
      return [fault(sentence(issue.message))]
    case 'custom': {
      const { message, params } = issue
      const offset: unknown = params?.['offset']
      if (typeof offset !== 'number') return [fault(sentence(message))]
      return [{ ...source.within(path, offset), kind: 'error', text: message }]
    }
    default:
      return [fault(sentence(issue.message))]
  }
}

/** The issues of the one alternative that was meant: the one whose outermost type fits. */
function unionIssues(
  issue: z.core.$ZodIssueInvalidUnion,
  source: Source,
  path: Path,
): readonly Issue[] {
  const meant = issue.errors.filter((alternative) =>
    alternative.every((inner) => inner.code !== 'invalid_type' || inner.path.length > 0),
  )
  const [only, ...others] = meant
  if (only !== undefined && others.length === 0) {
    return only.flatMap((inner) => issuesOf(inner, source, path))
  }
  if (path.length > 0 && valueAt(source.json, path) === undefined) {
    return [{ ...source.at(path), kind: 'error', text: `missing property ${String(path.at(-1))}` }]
  }
  const expected = issue.errors.flatMap((alternative) =>
    alternative.flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : [])),
  )
  const text = expected.length > 0 ? `expected ${expected.join(' or ')}` : sentence(issue.message)
  return [{ ...source.at(path), kind: 'error', text }]
}

const sentence = (message: string): string => {
  const text = message.replace(/^Invalid (?:input|option): /, '')
  return text.charAt(0).toLowerCase() + text.slice(1)
}

function valueAt(json: Json, path: Path): Json | undefined {
  let value: Json | undefined = json
  for (const name of path) {
    if (value === null || typeof value !== 'object') return undefined
    value = Object.hasOwn(value, name) ? (value as Record<PropertyKey, Json>)[name] : undefined
  }
  return value
}
