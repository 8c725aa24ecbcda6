/** `node parse-child.ts FILE FOLDER [STOP_MS]`: parses the file of 60 columns; aborted after STOP_MS. */
import { DuckPool } from '../../engine/table/duck-pool.ts'
import { parseFiles } from '../../engine/table/parse.ts'
import { WIDE } from '../table/truth.ts'

const [file = '', folder = '', stopMs = ''] = process.argv.slice(2)
const stop = new AbortController()
let stoppedMs = Number.NaN
if (stopMs !== '') {
  setTimeout(() => {
    stoppedMs = performance.now()
    stop.abort(new Error('enough'))
  }, Number(stopMs))
}

async function parse(): Promise<object> {
  await using duck = new DuckPool({ size: 2, folder: `${folder}/duck` })
  const outcome = await parseFiles({
    spec: WIDE,
    files: [{ name: 'a', path: file }],
    declaredMonth: '2024-12',
    monthColumn: 'atomic_month',
    constants: [],
    scratch: `${folder}/scratch`,
    out: `${folder}/out`,
    duck,
    chunkBytes: 2 ** 20,
    signal: stop.signal,
  })
  if (outcome.kind === 'failed') return outcome
  const months = outcome.months.map(({ month, parts }) => [
    month,
    parts.map(({ name, sha256 }) => [name, sha256]),
  ])
  return { months, rejects: outcome.rejects.sha256, report: outcome.report }
}

const written = await parse().catch((error: unknown) => ({
  stopped: String(error),
  tookMs: performance.now() - stoppedMs,
}))
console.log(JSON.stringify(written))
