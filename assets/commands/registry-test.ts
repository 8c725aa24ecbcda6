/** `registry test`: the tests beside the mappings. */
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, counted, printableJson } from '../../engine/index.ts'
import { readFolder } from '../registry-sync.ts'
import { runMappingTests } from './mapping-tests.ts'
import type { OpenedPlatform } from './opened.ts'

/** Runs `registry test`. Values shown are those of the test file itself. */
export async function runTest(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal, words } = call
  const { platform } = await call.open({ sync: false })
  const registry = await readFolder(platform.config.root)
  const results = await runMappingTests(
    platform,
    registry,
    ({ id }) =>
      words.length === 0 || words.some((word) => id === word || id.startsWith(`${word}/`)),
  )
  const isGood = results.every(
    ({ fault, differences }) => fault === undefined && differences.length === 0,
  )
  if (call.json) terminal.printJson({ format_version: '1.0', passed: isGood, tests: results })
  else {
    for (const { mapping, rows, fault, differences } of results) {
      const passed = fault === undefined && differences.length === 0
      const mark = passed ? terminal.out.green('passed') : terminal.out.red('failed')
      terminal.print(
        `${mark}  ${mapping}  ${counted(rows, 'row')}${fault === undefined ? '' : `: ${fault}`}`,
      )
      for (const { row, column, expected, actual } of differences) {
        terminal.print(`  row ${row}  ${column}: expected ${show(expected)}, is ${show(actual)}`)
      }
    }
    if (results.length === 0) terminal.print('No mapping test')
  }
  return isGood ? EXIT.done : EXIT.failed
}

const show = (value: string | null): string => (value === null ? 'empty' : printableJson(value))
