/**
 * `node tests/faults/table.ts FILE…`: what was injected, added up, as a table: fault, method, times.
 * The files are those that TEST_FAULT_COUNTS named; names and methods come from docs/faults.md.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dirname, '../../docs/faults.md'), 'utf8')
const counts = new Map<string, number>()
for (const file of process.argv.slice(2)) {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [id = '', times = '0'] = line.split(' ')
    counts.set(id, (counts.get(id) ?? 0) + Number(times))
  }
}
console.log('| | fault | method | times injected |\n| --- | --- | --- | --- |')
for (const [, id = '', fault, how] of page.matchAll(/^\| (F\d+) +\| (.*?) +\| (.*?) +\|/gm)) {
  console.log(`| ${id} | ${fault} | ${how} | ${counts.get(id) ?? 0} |`)
}
