/** The names people give: what they may look like, and the order of versions. */
import { compareText } from '../engine/index.ts'

/** A file type: also a view's name, so letters, digits and `_` only. */
export const FILE_TYPE = /^[a-z][a-z0-9_]{0,63}$/
/** A submitter, a rule file: one folder name of an object's path. */
export const ID = /^(?!.*\.\.)[a-z0-9_][a-z0-9_.-]{0,63}$/
/** A layout: without a dot, which in a file's name begins the version. */
export const LAYOUT = /^[a-z0-9_][a-z0-9_-]{0,63}$/
/** `v2`, or a submitter guide's own number like `2019.0.0`. No leading zeros: one text a version. */
export const LAYOUT_VERSION = /^v?(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){0,3}$/
/** `v2`: of a canonical schema or a mapping. */
export const VERSION = /^v[1-9]\d{0,8}$/

/** Orders versions by their numbers: v10 after v9, 2019.0.0 before 2019.1. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/^v/, '').split('.').map(Number))
  const parts = Math.max(left?.length ?? 0, right?.length ?? 0)
  for (let at = 0; at < parts; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return compareText(a, b)
}
