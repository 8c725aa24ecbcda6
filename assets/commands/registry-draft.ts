/** What `registry import` and `registry infer` do with a draft: print it, or write it as a layout. */
import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, EngineError, counted, flagOption, textOption } from '../../engine/index.ts'
import type { LayoutDraft } from '../../registry/draft.ts'
import { draftDocument, draftText } from '../../registry/draft.ts'
import { FILE_TYPE, LAYOUT } from '../../registry/names.ts'
import { findProject } from '../config.ts'
import type { OpenedPlatform } from './opened.ts'

/** A file a person names. Throws USAGE when it is not there, or is no file. */
export function requireFile(command: string, word: string): string {
  const path = resolve(word)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile() === true) return path
  const reason = found === undefined ? `there is no file ${word}` : `${word} is no file`
  throw new EngineError('USAGE', { command, reason })
}

/** The draft on stdout, or in its file; what to verify on stderr. Throws USAGE. */
export async function giveDraft(
  call: CommandCall<OpenedPlatform>,
  command: string,
  draft: LayoutDraft,
): Promise<number> {
  const { terminal } = call
  const document = draftDocument(draft)
  const name = textOption(call, 'as')
  const path = name === undefined ? undefined : layoutPath(name, command)
  if (path !== undefined) await write(call, { command, path, text: draftText(document) })
  if (call.json) {
    const written = path ?? null
    const { verify } = draft
    terminal.printJson({ format_version: '1.0', written, verify, layout: document })
    return EXIT.done
  }
  if (path === undefined) terminal.print(draftText(document).trimEnd())
  else {
    const fields = counted(draft.fields.length, 'field')
    terminal.print(`${path}: ${fields}, INACTIVE`)
    terminal.print(`Then: tributary registry try ${name} FILE`)
  }
  terminal.note('To verify:')
  for (const line of draft.verify) terminal.note(`  ${line}`)
  return EXIT.done
}

function layoutPath(name: string, command: string): string {
  const [fileType = '', layout = '', ...more] = name.split('/')
  if (FILE_TYPE.test(fileType) && LAYOUT.test(layout) && more.length === 0) {
    return `registry/layouts/${fileType}/${layout}.json`
  }
  const reason = `--as is file_type/layout in small letters, digits and _, as medical_claim/mine`
  throw new EngineError('USAGE', { command, reason })
}

async function write(
  call: CommandCall<OpenedPlatform>,
  {
    command,
    path,
    text,
  }: { readonly command: string; readonly path: string; readonly text: string },
): Promise<void> {
  const file = join(findProject(call.folder), path)
  if (existsSync(file) && !flagOption(call, 'force')) {
    const reason = `there is a layout already: ${path}; name another with --as, or say --force`
    throw new EngineError('USAGE', { command, reason })
  }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
