/** Numbers of a workbook as text. */
import { expect, test } from 'vitest'
import { decimalText, momentText, numberFormat } from '../../engine/table/number-format.ts'

const shown = (value: string, code: string | number, is1904 = false): string | undefined => {
  const format = typeof code === 'number' ? numberFormat(code, undefined) : numberFormat(200, code)
  return momentText(value, format, is1904) ?? decimalText(value, format)
}

test.for<readonly [value: string, code: string | number, text: string | undefined]>([
  ['19.309999999999999', 'General', '19.31'],
  ['0.30000000000000004', 'General', '0.3'],
  ['12345678901234567890', 'General', '12345678901234567890'],
  ['1E-7', 0, '0.0000001'],
  ['1.5e+20', 0, '150000000000000000000'],
  ['-0', 0, '0'],
  ['-12.50', '0.00', '-12.50'],
  ['2102', '00###_)', '02102'],
  ['1', '00_)', '01'],
  ['19.3', '##.00_)', '19.30'],
  ['250', '0.00', '250.00'],
  ['0.8694', '0.00', '0.8694'],
  ['1234.5', '#,##0.00', '1234.50'],
  ['123456789', '000\\-00\\-0000', '123456789'],
  ['0.25', '0%', '0.25'],
  ['5', '"d"0', '5'],
  ['45356', 14, '2024-03-05'],
  ['45356.5', 22, '2024-03-05T12:00:00'],
  ['45356', 22, '2024-03-05T00:00:00'],
  ['0.75', 'h:mm', '18:00:00'],
  ['1.5', '[h]:mm', '1.5'],
  ['45356', '[$-409]d\\-mmm\\-yyyy;@', '2024-03-05'],
  ['45356', 'yyyy"-"mm"-"dd', '2024-03-05'],
  ['45356', '[Red]0', '45356'],
  ['1', 14, '1900-01-01'],
  ['59', 14, '1900-02-28'],
  ['60', 14, '60'],
  ['61', 14, '1900-03-01'],
  ['2958465', 14, '9999-12-31'],
  ['2958466', 14, '2958466'],
  ['-1', 14, '-1'],
  ['x', 'General', undefined],
  ['', 'General', undefined],
])('%s as %s is %s', ([value, code, text]) => {
  expect(shown(value, code)).toBe(text)
})

test('days may count from 1904', () => {
  expect(shown('43894', 14, true)).toBe('2024-03-05')
})
