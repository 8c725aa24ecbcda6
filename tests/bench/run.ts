/**
 * The benchmark: prints one JSON document, progress on stderr.
 *
 *     npm run bench -- [--rows peers,unchanged] [--quick] [--full] [--dagster] [--others]
 *
 * Figures are ratios within one run wherever they can be; a missed bar is told, never asserted.
 */
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench, Row } from './row.ts'
import { canonical } from './rows/canonical.ts'
import { daemon } from './rows/daemon.ts'
import { dataPlane } from './rows/data-plane.ts'
import { edit } from './rows/edit.ts'
import { oneSource } from './rows/one-source.ts'
import { peers } from './rows/peers.ts'
import { unchanged } from './rows/unchanged.ts'
import { verify } from './rows/verify.ts'
import { workers } from './rows/workers.ts'

const BENCHES: readonly Bench[] = [
  peers,
  unchanged,
  verify,
  edit,
  oneSource,
  daemon,
  workers,
  dataPlane,
  canonical,
]

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    dagster: { type: 'boolean', default: false },
    others: { type: 'boolean', default: false },
  },
})
const names = values.rows?.split(',') ?? BENCHES.map((bench) => bench.name)
const unknown = names.filter((name) => BENCHES.every((bench) => bench.name !== name))
if (unknown.length > 0) {
  const known = BENCHES.map((bench) => bench.name).join(', ')
  console.error(`no rows called ${unknown.join(', ')}; there are ${known}`)
  process.exit(2)
}

const rows: Row[] = []
for (const bench of BENCHES.filter((one) => names.includes(one.name))) {
  const say = (words: string): void => console.error(`${bench.name}: ${words}`)
  rows.push(...(await bench.run(values, say)))
}
const [cpu] = cpus()
const machine = {
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  cpu: cpu?.model ?? 'unknown',
  cores: cpus().length,
  memory_gb: Math.round(totalmem() / 2 ** 30),
}
console.log(JSON.stringify({ format: 'tributary-bench/1', machine, rows }, null, 2))
