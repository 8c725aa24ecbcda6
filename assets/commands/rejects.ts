/** `rejects`: which records of a submission were not accepted, and why. Their text only by --raw. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { CommandCall, Project } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  alignColumns,
  counted,
  flagOption,
  insertAudit,
  partFiles,
  printableJson,
  textOption,
  wholeNumber,
} from '../../engine/index.ts'
import type { OpenedPlatform } from './opened.ts'
import { requireReason } from './reason.ts'
import { submissionKey, submissionRow } from './submission-rows.ts'

/** One line of a rejects file, as the parse wrote it. */
interface Reject {
  readonly file: string
  readonly record: number
  readonly line: number
  readonly reasons: readonly { readonly code: string; readonly column: string | null }[]
  readonly raw?: string
  readonly raw_base64?: string
}

const LIMIT = '50'

/** Runs `rejects`. */
export async function runRejects(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const { project } = await call.open({ sync: false })
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? LIMIT, 1_000_000)
  const withRaw = flagOption(call, 'raw')
  const submission = await submissionRow(project.catalog.db, call.words[0] ?? '')
  if (withRaw) await auditLook(call, project, submission.submission_id)
  const node = { asset: 'rejects', key: submissionKey(submission) }
  const rejects: Reject[] = []
  let total = 0
  for (const part of await partFiles(project, node)) {
    total += part.rows ?? 0
    if (rejects.length < limit)
      rejects.push(...(await readRejects(part.path, limit - rejects.length)))
  }
  if (call.json) {
    const rows = rejects.map((reject) => rejectJson(reject, withRaw))
    terminal.printJson({ format_version: '1.0', total, rejects: rows })
    return EXIT.done
  }
  if (rejects.length === 0) {
    terminal.print(`No rejected record in ${submission.submission_id} (${submission.status})`)
    return EXIT.done
  }
  const rows = rejects.map((one) => [
    one.file,
    String(one.line),
    one.reasons
      .map(({ code, column }) => (column === null ? code : `${code} ${column}`))
      .join(', '),
    ...(withRaw ? [rawText(one)] : []),
  ])
  const columns = [
    'file',
    { title: 'line', align: 'right' } as const,
    'reasons',
    ...(withRaw ? ['record'] : []),
  ]
  terminal.print(alignColumns(columns, rows, terminal.out.dim).join('\n'))
  if (total > rejects.length) {
    terminal.print(`and ${counted(total - rejects.length, 'record')} more: --limit ${total}`)
  }
  return EXIT.done
}

const rejectJson = ({ raw, raw_base64: encoded, ...reject }: Reject, withRaw: boolean): object => ({
  ...reject,
  ...(withRaw && raw !== undefined && { raw }),
  ...(withRaw && encoded !== undefined && { raw_base64: encoded }),
})

/** A record as one line: what would move the cursor is escaped. */
const rawText = ({ raw, raw_base64: encoded = '' }: Reject): string =>
  raw === undefined ? `base64:${encoded}` : printableJson(raw.replace(/\r?\n$/, '')).slice(1, -1)

async function auditLook(
  call: CommandCall<OpenedPlatform>,
  project: Project,
  submission: string,
): Promise<void> {
  const reason = requireReason(call, 'rejects --raw')
  await project.catalog.write(async (trx) =>
    insertAudit(trx, {
      atMs: project.clock.nowMs(),
      actor: { name: call.actor, reason },
      action: 'rejects.raw',
      subject: submission,
      run: null,
    }),
  )
}

async function readRejects(path: string, limit: number): Promise<readonly Reject[]> {
  const input = createReadStream(path)
  const found: Reject[] = []
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (line === '') continue
      found.push(JSON.parse(line) as Reject)
      if (found.length >= limit) break
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // The text of the error would quote the line.
    throw new EngineError('PART_INVALID', { part: 'rejects', what: 'a line of it is no JSON' })
  } finally {
    input.destroy()
  }
  return found
}
