/** How a check says what is wrong and where. */
import type { Position } from '../engine/index.ts'
import { nearestName, shown } from '../engine/index.ts'
import type { Issue } from './source.ts'

/** Adds one issue; an error unless said otherwise. */
export type Report = (at: Position, text: string, kind?: Issue['kind']) => void

/** `no column "PATEINT" …; did you mean PATIENT?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  return `no ${what} ${shown(name)}${hint}`
}
