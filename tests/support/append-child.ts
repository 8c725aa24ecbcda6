/** `node append-child.ts FOLDER WRITER LINES NOW_MS`: appends a line at a time to a manifest. */
import { appendProcessed } from '../../assets/processed-append.ts'

const [folder = '', writer = '', lines = '0', nowMs = '0'] = process.argv.slice(2)
for (let seq = 1; seq <= Number(lines); seq++) {
  const raw = `raw/${writer}/${'x'.repeat(seq % 300)}.csv`
  const entry = { raw, bronze: `bronze/${writer}/${seq}.csv`, mtime: seq, seq }
  await appendProcessed(folder, [entry], Number(nowMs))
}
