/** What shapes cannot say of code sets: windows, codes that stand twice, versions side by side. */
import { canonicalJson } from '../engine/index.ts'
import type { CodeSet, CodeSetDocument, CodeWindow } from './code-set.ts'
import { codeSetSlice, firstMonth, lastMonth } from './code-set.ts'
import { compareVersions } from './names.ts'
import type { Loaded } from './registry.ts'
import type { Report } from './report.ts'

type LoadedCodeSet = Loaded<CodeSet, CodeSetDocument>

/** A fact may hold this much. */
const SLICE_LENGTH_MAX = 1 << 20

export function checkCodeSets(all: readonly LoadedCodeSet[], report: Report): void {
  for (const one of all) checkCodes(one, report)
  for (const versions of Map.groupBy(all, ({ value }) => value.name).values()) {
    const sorted = versions.toSorted((a, b) => compareVersions(a.value.version, b.value.version))
    for (const [at, later] of sorted.entries()) {
      const twin = sorted
        .slice(0, at)
        .find(({ value }) => isShared(value.effective, later.value.effective))
      if (twin === undefined) continue
      const text = `the effective window overlaps that of ${twin.id}`
      report(later.source.at(['effective']), text)
    }
    const last = sorted.at(-1)
    const length = canonicalJson(codeSetSlice(sorted.map(({ value }) => value))).length
    if (last === undefined || length <= SLICE_LENGTH_MAX) continue
    const text = `the versions of ${last.value.name} hold ${length} characters of codes, the limit is ${SLICE_LENGTH_MAX}`
    report(last.source.at([]), text)
  }
}

const isShared = (a: CodeWindow, b: CodeWindow): boolean =>
  firstMonth(a) <= lastMonth(b) && firstMonth(b) <= lastMonth(a)

function checkCodes({ document, value, source }: LoadedCodeSet, report: Report): void {
  if (firstMonth(value.effective) > lastMonth(value.effective)) {
    report(source.at(['effective']), 'this window ends before it begins')
  }
  const seen = new Map<string, CodeWindow[]>()
  for (const [at, { code, window }] of value.codes.entries()) {
    const entry = document.codes[at]
    const isDated = typeof entry === 'object' && (entry.from ?? entry.to) !== undefined
    if (isDated && firstMonth(window) > lastMonth(window)) {
      const text = 'this code is effective in no month of the set: its window ends before it begins'
      report(source.at(['codes', at]), text)
    }
    const earlier = seen.get(code) ?? []
    if (earlier.some((one) => isShared(one, window))) {
      report(source.at(['codes', at]), 'this code is there twice for the same months')
    }
    seen.set(code, [...earlier, window])
  }
}
