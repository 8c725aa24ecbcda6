/** What the first bytes of a text say to routing, read in one layout's dialect. */
import { firstRecords } from '../engine/index.ts'
import type { ParseSpec } from '../engine/index.ts'
import type { FirstRecords } from './layout-fit.ts'
import { monthOf } from './routing.ts'

/** Of decompressed first bytes; the last record may be cut. */
export function textRecords(head: Buffer, spec: ParseSpec): FirstRecords {
  const { control, fields, ...found } = firstRecords(head, spec)
  const values = control.find((one) => one.role === 'header')?.values ?? {}
  const first = monthOf(values.periodBegin ?? '')
  const last = monthOf(values.periodEnd ?? '')
  return {
    ...(fields && { columnCount: fields.length }),
    ...(fields && spec.dialect.header && { headerNames: fields }),
    ...found,
    ...(values.layoutVersion !== undefined && { controlVersion: values.layoutVersion }),
    ...(values.fileType !== undefined && { controlFileType: values.fileType }),
    ...(values.testFlag !== undefined && { testFlag: /^t/i.test(values.testFlag) }),
    ...(first !== undefined && last !== undefined && { controlPeriod: { first, last } }),
    ...(isMarkedUtf16(head, spec) && { isUtf16: true }),
  }
}

/** Whether a text begins with the mark of UTF-16, and its layout says another encoding. */
const isMarkedUtf16 = (head: Buffer, { encoding }: ParseSpec): boolean =>
  /^(?:\xff\xfe|\xfe\xff)/.test(head.toString('latin1', 0, 2)) &&
  encoding?.startsWith('utf-16') !== true
