/** `node append-child.ts FOLDER WRITER LINES NOW_MS`: appends some lines at a time to a manifest. */
import { appendProcessed } from '../../assets/processed-append.ts'

const [folder = '', writer = '', lines = '0', nowMs = '0'] = process.argv.slice(2)
const entries = Array.from({ length: Number(lines) }, (_, at) => ({
  raw: `raw/${writer}/${'x'.repeat(at % 300)}.csv`,
  bronze: `bronze/${writer}/${at + 1}.csv`,
  mtime: at,
  seq: at + 1,
}))
for (let at = 0, batch = 1; at < entries.length; at += batch, batch = (batch % 20) + 1) {
  await appendProcessed(folder, entries.slice(at, at + batch), Number(nowMs))
}
