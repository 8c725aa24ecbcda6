/** `store bootstrap`: makes a project's buckets what they should be, and writes their policies. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, EngineError, alignColumns, textOption } from '../../engine/index.ts'
import { isBucket } from '../verify/store-answers.ts'
import type { Host } from './host.ts'
import type { OpenedPlatform } from './opened.ts'

const principals = z.record(z.string().min(1), z.string())

/** Runs `store bootstrap`. Safe to repeat. Throws STORE_UNUSABLE, USAGE. */
export const runStoreBootstrap =
  (host: Host) =>
  async (call: CommandCall<OpenedPlatform>): Promise<number> => {
    const { terminal, json, folder } = call
    const { config } = await host.look(folder)
    if (!isBucket(config)) {
      const reason = 'the store is a folder: there is no bucket to prepare'
      throw new EngineError('USAGE', { command: 'store bootstrap', reason })
    }
    const users = textOption(call, 'principals')
    const buckets = await host.bootstrapStore(config, {
      ...(users !== undefined && { principals: readPrincipals(users) }),
    })
    const written = writePolicies(await host.policyFiles(config), textOption(call, 'policies'))
    if (json) {
      terminal.printJson({ format_version: '1.0', buckets, policies: written })
      return EXIT.done
    }
    const { green, yellow, dim } = terminal.out
    const paint = { done: green, there: dim, missing: yellow }
    for (const { bucket, steps } of buckets) {
      const rows = steps.map(({ outcome, what }) => [paint[outcome](outcome), what])
      terminal.print(`${bucket}\n${alignColumns(['', ''], rows).join('\n')}\n`)
    }
    for (const path of written) terminal.print(`wrote ${path}`)
    terminal.print('What the store really does:  tributary doctor --store')
    return EXIT.done
  }

/** A file of access key → component. */
function readPrincipals(file: string): Readonly<Record<string, string>> {
  try {
    return principals.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    const reason = `--principals ${file} is no JSON file of access keys and components`
    throw new EngineError('USAGE', { command: 'store bootstrap', reason }, { cause: error })
  }
}

function writePolicies(
  files: Readonly<Record<string, string>>,
  folder: string | undefined,
): readonly string[] {
  if (folder === undefined) return []
  mkdirSync(folder, { recursive: true })
  return Object.entries(files).map(([name, text]) => {
    const path = join(resolve(folder), name)
    writeFileSync(path, text)
    return path
  })
}
