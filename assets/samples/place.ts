/** Places as the ledger has them: the folders of a staging prefix in one text. */
import type { StagingPlace } from '../processed-places.ts'

/** `north_clinic/medical_claim/cdl.v1` */
export const placeText = ({ vendor, dataset, version }: StagingPlace): string =>
  `${vendor}/${dataset}/${version}`

/** The parts of a place's text. */
export function placeOf(text: string): StagingPlace {
  const [vendor = '', dataset = '', version = ''] = text.split('/')
  return { vendor, dataset, version }
}

export const vendorOf = (text: string): string => placeOf(text).vendor
