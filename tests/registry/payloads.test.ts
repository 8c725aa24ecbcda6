/** Every payload in every place that takes a name or a text beside SQL: refused, or plain. */
import { describe, expect, test } from 'vitest'
import { submissionPath } from '../../assets/paths.ts'
import { htmlText } from '../../assets/precheck-html.ts'
import { isEngineError } from '../../engine/index.ts'
import { MemberGate } from '../../engine/table/member-gate.ts'
import { PACKAGE_LIMITS } from '../../engine/table/package-limits.ts'
import { readManifest } from '../../registry/discovery-manifest.ts'
import { readExpression } from '../../registry/expression.ts'
import { nameFault, rawFileNames, safeId } from '../../registry/inbox.ts'
import { readRegistry } from '../../registry/read.ts'
import type { PayloadPlace } from './payload-entries.ts'
import { accepted, batches, json, printed } from './payload-entries.ts'
import { isUnsafe, readPayloads } from './payloads.ts'
import { RULES, SUBMITTERS, sampleFiles } from './sample-registry.ts'

const all = readPayloads()

const submitter = (fields: (text: string) => object): PayloadPlace => ({
  path: SUBMITTERS,
  head: '{"submitters":[',
  entry: (text, at) => json({ id: `s${at}`, state: 'MA', ...fields(text) }),
  tail: ']}',
})
const mapping = (entry: PayloadPlace['entry']): PayloadPlace => ({
  path: 'mappings/visits/clinic/v2.json',
  head: '{"schema":"visits/v1","status":"INACTIVE","columns":{',
  entry,
  tail: '}}',
})
const rule = (fields: (text: string, at: number) => object): PayloadPlace => ({
  path: RULES,
  head: '{"rules":[',
  entry: (text, at) => json({ severity: 'HARD', threshold: { count: 0 }, ...fields(text, at) }),
  tail: ']}',
})
const layout: PayloadPlace = {
  path: 'registry/layouts/visits/other.json',
  head: '{"resources":[{"name":"a","schema":{"fields":[',
  entry: (name) => json({ name, type: 'string' }),
  tail: ']}}],"x-ingest":{"status":"INACTIVE","effective":{"from":"2020-01"}}}',
}
const schema: PayloadPlace = {
  path: 'schemas/visits/v2.json',
  head: '{"status":"INACTIVE","columns":[',
  entry: (name) => json({ name, type: 'VARCHAR' }),
  tail: ']}',
}

const COLUMN = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const notNull = { kind: 'NOT_NULL', params: { column: 'visit' } }

/** Places that take names and numbers only, and what those may be. */
const PLACES: readonly (readonly [string, RegExp, PayloadPlace])[] = [
  ['submitter id', /^(?!.*[.]{2})[a-z0-9_][a-z0-9_.-]{0,63}$/, submitter((id) => ({ id }))],
  ['file type', /^[a-z][a-z0-9_]{0,63}$/, submitter((one) => ({ file_types: [one] }))],
  ['layout', /^[a-z][a-z0-9_]*(?:\/[a-z0-9._-]+){1,2}$/, submitter((one) => ({ layouts: [one] }))],
  ['column of a layout', COLUMN, layout],
  ['canonical column', COLUMN, schema],
  ['target of a mapping', COLUMN, mapping((name) => `${json(name)}:{"const":"x"}`)],
  ['source of a mapping', COLUMN, mapping((source, at) => `"c${at}":${json({ source })}`)],
  [
    'type of a cast',
    /^[A-Z]+(?:\(\d+,\d+\))?$/,
    mapping((cast, at) => `"c${at}":${json({ source: 'visit', cast })}`),
  ],
  ['rule id', /^[a-z][a-z0-9_]{0,63}$/, rule((id) => ({ id, ...notNull }))],
  [
    'bound of a range',
    /^\d{4}-\d\d-\d\d$/,
    rule((min, at) => ({ id: `r${at}`, kind: 'RANGE', params: { column: 'seen', min } })),
  ],
]

describe.skipIf(all === undefined)('payloads', () => {
  const payloads = all ?? []

  test.each(PLACES)('as %s: only plain ones are taken', (_, plain, place) => {
    const taken = batches(payloads, place.path === RULES ? 500 : 2000).flatMap((texts) =>
      accepted(place, texts),
    )
    expect(taken.filter((text) => !plain.test(text))).toEqual([])
  })

  test('as names of registry files and properties: they have no place there', () => {
    const shown = batches(payloads).map((texts) => {
      const files = texts.map((text) => [`registry/layouts/visits/${text}.json`, '{}'] as const)
      const keys = `{"submitters":[],\n${texts.map((text) => `${json(text)}:1`).join(',\n')}}`
      const issues = readRegistry(
        sampleFiles({ ...Object.fromEntries(files), [SUBMITTERS]: keys }),
      ).issues
      expect(issues.length).toBeGreaterThan(texts.length)
      return printed(issues)
    })
    expect(shown.filter((text) => isUnsafe(text))).toEqual([])
  })

  test('as expression and as CUSTOM_SQL: what is taken is written anew and reads as itself', () => {
    const faults = payloads.filter((text) => {
      for (const over of ['row', 'rows'] as const) {
        const read = readExpression(text, over)
        if ('problem' in read) {
          if (isUnsafe(read.problem) || read.offset < 0 || read.offset > text.length) return true
        } else {
          const again = readExpression(read.sql, over)
          const outside = read.sql.replaceAll(/'(?:[^']|'')*'/g, '')
          if (!('sql' in again) || again.sql !== read.sql) return true
          if (/[;$?\\]|--|[/][*]|\b(?:select|from)\b/i.test(outside)) return true
        }
      }
      return false
    })
    expect(faults).toEqual([])
  })

  test('as names of files, submitters and members: a path is plain, and an error shows no mark', () => {
    const limits = { ...PACKAGE_LIMITS, members: payloads.length }
    const faults = payloads.filter((text) => {
      const path = `north/2024-01/${text}`
      const fault = nameFault(path)
      if (fault !== undefined && isUnsafe(fault)) return true
      if (fault === undefined && (isUnsafe(text) || text.split('/').includes('..'))) return true
      const [name = ''] = rawFileNames([path])
      const at = { submitter: safeId(text), fileType: 'visits' }
      const submissionId = '20240101T000000000Z-0123456789ab'
      const stored = submissionPath('raw', { ...at, submissionId, object: `data/${name}` })
      if (!/^raw(?:\/(?![.]+$|[.]+\/)[A-Za-z0-9_.-]+){5}$/.test(stored)) return true
      return memberFault(text, limits)
    })
    expect(faults).toEqual([])
  })

  test('as what a discovery manifest says: nothing it takes leaves its folder', () => {
    const name = 'cms_rvu_manifest_20251015_143022.jsonl'
    const good = { filename: 'a.zip', file_url: 'https://example.test/a.zip' }
    const fields = ['dataset', 'filename', 'file_url', 'sha256', 'file_type', 'vintage']
    const faults = payloads.filter((text) =>
      fields.some((field) => {
        try {
          const read = readManifest({ file: name, name, text: json({ ...good, [field]: text }) })
          const [entry] = read.entries
          if (entry === undefined) return true
          const isUrl = /^(?:https?|file):/i.test(entry.url)
          const climbs = !isUrl && /(?:^|\/)[.]{0,2}(?:\/|$)/.test(entry.url)
          return climbs || isUnsafe(json(entry)) || /[\\/]/.test(entry.filename + entry.dataset)
        } catch (error) {
          return !isEngineError(error, 'MANIFEST_INVALID') || isUnsafe(error.message)
        }
      }),
    )
    expect(faults).toEqual([])
  }, 60_000)

  test('as text of a page: no tag is opened and no mark is left', () => {
    const faults = payloads.filter(
      (text) => /[<>"']/.test(htmlText(text)) || isUnsafe(htmlText(text)),
    )
    expect(faults).toEqual([])
  })
})

/** Whether a member's name is taken that must not be, or refused in words that show a mark. */
function memberFault(name: string, limits: typeof PACKAGE_LIMITS): boolean {
  const gate = new MemberGate({ file: 'a.zip', members: undefined, limits })
  try {
    gate.admits(name)
    return isUnsafe(name) || name.includes('\\') || /^\/|(?:^|\/)[.]{1,2}(?:\/|$)/.test(name)
  } catch (error) {
    return !(error instanceof Error) || isUnsafe(error.message)
  }
}
