/** `findings`: what is wrong or waits for a person. */
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, alignColumns, isoText, textOption } from '../../engine/index.ts'
import type { OpenedPlatform } from './opened.ts'
import { openProblems } from './problems.ts'

/** Runs `findings`. */
export async function runFindings(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const { project } = await call.open({ sync: false })
  const severity = textOption(call, 'severity')
  const submission = textOption(call, 'submission')
  const found = (await openProblems(project.catalog.db)).filter(
    (one) =>
      (severity === undefined || one.severity === severity) &&
      (submission === undefined || one.submission === submission),
  )
  if (call.json) {
    const findings = found.map(({ atMs, submission: about, ...one }) => ({
      ...one,
      submission: about ?? null,
      at: atMs === 0 ? null : isoText(atMs),
    }))
    terminal.printJson({ format_version: '1.0', findings })
    return EXIT.done
  }
  if (found.length === 0) terminal.print('Nothing is wrong and nothing waits')
  else {
    const { red, yellow, dim } = terminal.out
    const rows = found.map((one) => [
      one.severity === 'error' ? red('error') : yellow('warning'),
      one.code,
      one.subject,
      one.words,
    ])
    terminal.print(alignColumns(['', 'code', 'about', 'what'], rows, dim).join('\n'))
  }
  return EXIT.done
}
