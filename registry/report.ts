/** How a check says what is wrong and where. */
import type { Position } from '../engine/index.ts'
import { didYouMean, nearestName, shown } from '../engine/index.ts'
import type { Issue } from './source.ts'

/** Adds one issue; an error unless said otherwise. */
export type Report = (at: Position, text: string, kind?: Issue['kind']) => void

/** `no column "PATEINT" …; did you mean PATIENT?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  return `no ${what} ${shown(name)}${didYouMean(nearestName(name, known))}`
}
