import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { closeDeliveries } from '../../registry/inbox.ts'
import type { RoutedLayout } from '../../registry/layout-fit.ts'
import { route } from '../../registry/route.ts'
import { quarantineReason, sniff } from '../../registry/sniff.ts'
import {
  isAccepted,
  next,
  SUBMISSION_EVENTS,
  SUBMISSION_STATES,
  TRANSITIONS,
} from '../../registry/submission-state.ts'

test('the table is total: every state answers every event', () => {
  expect(Object.keys(TRANSITIONS).toSorted()).toEqual(SUBMISSION_STATES.toSorted())
  for (const row of Object.values(TRANSITIONS)) {
    expect(Object.keys(row).toSorted()).toEqual(SUBMISSION_EVENTS.toSorted())
  }
})

test('every state is reached from RECEIVED', () => {
  const reached = new Set<string>(['RECEIVED'])
  for (const state of reached) {
    for (const after of Object.values(TRANSITIONS[state as 'RECEIVED'])) {
      if (after !== null) reached.add(after)
    }
  }
  expect([...reached].toSorted()).toEqual(SUBMISSION_STATES.toSorted())
})

test('the road of the seed: received, ready, parsed, validated', () => {
  expect(next('RECEIVED', 'routed')).toBe('READY_FOR_PARSE')
  expect(next('READY_FOR_PARSE', 'parsed')).toBe('PARSED')
  expect(next('PARSED', 'validated')).toBe('VALIDATED')
  expect(next('RECEIVED', 'unrouted')).toBe('NEEDS_REVIEW')
  expect(next('READY_FOR_PARSE', 'parse_failed')).toBe('PARSE_FAILED')
  expect(next('PARSED', 'validation_failed')).toBe('VALIDATION_FAILED')
})

test('an edited layout may parse anew, an edited rule may judge anew', () => {
  expect(next('PARSE_FAILED', 'parsed')).toBe('PARSED')
  expect(next('VALIDATED', 'parsed')).toBe('PARSED')
  expect(next('VALIDATION_FAILED', 'validated_with_warnings')).toBe('VALIDATED_WITH_WARNINGS')
})

test('every state can be withdrawn once, and nothing follows', () => {
  for (const state of SUBMISSION_STATES) {
    if (state === 'WITHDRAWN') continue
    expect(next(state, 'withdrawn')).toBe('WITHDRAWN')
  }
  for (const event of SUBMISSION_EVENTS) expect(TRANSITIONS.WITHDRAWN[event]).toBeNull()
})

test('quarantined and duplicate bytes are never parsed', () => {
  for (const state of ['QUARANTINED', 'DUPLICATE'] as const) {
    expect(SUBMISSION_EVENTS.filter((event) => TRANSITIONS[state][event] !== null)).toEqual([
      'withdrawn',
    ])
  }
})

test('an impossible event is an error that names state and event', () => {
  expect(() => next('RECEIVED', 'validated')).toThrow(
    expect.objectContaining({
      code: 'SUBMISSION_STATE',
      context: { state: 'RECEIVED', event: 'validated' },
    }),
  )
})

test('only validated submissions are accepted', () => {
  expect(SUBMISSION_STATES.filter(isAccepted)).toEqual(['VALIDATED_WITH_WARNINGS', 'VALIDATED'])
})

const SCENARIO = new URL('../../../shared/data/scenarios/synthea-ma/', import.meta.url)

interface Told {
  readonly wave: number
  readonly submission: string
  readonly outcome: string
  readonly period?: readonly [number, number]
}

/** Intake of one wave on the pure functions alone: drop -> state and months. */
function takeIn(wave: number, layouts: readonly RoutedLayout[]): ReadonlyMap<string, unknown> {
  const inbox = new URL(`wave${wave}/inbox/`, SCENARIO)
  const listed = readdirSync(inbox, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(inbox.pathname.length))
    .map((path) => ({ path, sizeBytes: 1, changedToken: '1', modifiedAtMs: 0 }))
  const { closed } = closeDeliveries({ listed, seen: [], nowMs: 1e9, quiescenceMs: 6e5 })
  return new Map(
    closed.map(({ drop, submitter, files: [file] }) => {
      const path = file?.path ?? ''
      const name = path.slice(path.lastIndexOf('/') + 1)
      const bytes = readFileSync(new URL(path, inbox))
      if (quarantineReason(sniff(bytes, name), name)) return [drop, next('RECEIVED', 'quarantined')]
      const headerNames = bytes.toString('latin1').split('\n', 1)[0]?.split(',') ?? []
      const files = [{ name, headerNames, columnCount: headerNames.length }]
      const [found] = route({
        files,
        submitter: { id: submitter, state: 'MA' },
        rules: [],
        layouts,
      })
      const isReady = found?.status === 'READY_FOR_PARSE'
      const state = next('RECEIVED', isReady ? 'routed' : 'unrouted')
      return [drop, isReady ? `${state} ${found.period.first} ${found.period.last}` : state]
    }),
  )
}

test('the scenario’s deliveries reach the states and months of its truth', () => {
  if (!existsSync(SCENARIO)) {
    console.warn('not run: the scenario ../shared/data/scenarios is absent')
    return
  }
  const truth = JSON.parse(readFileSync(new URL('expected.json', SCENARIO), 'utf8'))
  const headers: Readonly<Record<string, string>> = {
    medical:
      'Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,' +
      'BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION',
    pharmacy:
      'START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,' +
      'TOTALCOST,REASONCODE,REASONDESCRIPTION',
  }
  const layouts = Object.entries(headers).map(([fileType, header]) => {
    const headerNames = header.split(',')
    const signals = { columnCount: headerNames.length, headerNames, headerVersion: null }
    const of = { status: 'ACTIVE' as const, effective: {}, fileNames: [], states: [] }
    return { id: `${fileType}/synthea/v1`, fileType, slices: { route: { ...of, ...signals } } }
  })
  const month = (text: number): string => `${text}`.replace(/(\d{4})/, '$1-')
  for (const wave of [1, 2]) {
    const taken = takeIn(wave, layouts)
    const told = (truth.submissions as Told[]).filter((one) => one.wave === wave)
    expect(taken.size).toBe(told.length)
    for (const { submission, outcome, period } of told) {
      // A duplicate is told by its digest, not here.
      if (outcome === 'duplicate') continue
      const state = outcome === 'quarantined' ? 'QUARANTINED' : 'NEEDS_REVIEW'
      const months = period?.map(month).join(' ')
      expect(taken.get(submission)).toBe(months ? `READY_FOR_PARSE ${months}` : state)
    }
  }
})
