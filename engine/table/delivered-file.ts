/**
 * A delivered file as its logical files: itself, or the members of the package that it is.
 *
 * Everything that looks at content goes through here, so that intake, routing and the parse see the
 * same members: gzip of one file, ZIP or tar (also in gzip) of one or several, and gzip inside
 * those. One package inside another of its kind is refused. Each logical file has byte offsets of
 * its own.
 */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import {
  BLOCK_BYTES,
  contentHead,
  readContent,
  type ContentDigest,
  type ContentSink,
} from './content-stream.ts'
import { gunzipHead, gunzipped } from './gunzip.ts'
import { MemberGate } from './member-gate.ts'
import { MAGIC_BYTES, packageKind } from './package-kind.ts'
import type { Member, PackageRequest } from './member.ts'
import { ContentBudget, type PackageLimits } from './package-limits.ts'
import { NO_SECRETS, type PackageSecrets } from './package-secret.ts'
import { fail } from './parse-failure.ts'
import type { TableFormat } from './spec.ts'
import { tarMembers } from './tar-members.ts'
import { zipMembers } from './zip-members.ts'

export interface DeliveredFileOptions {
  readonly name: string
  /** where its bytes lie, read as often as there is something to ask */
  readonly path: string
  /** pattern of the members that are data; undefined: the only one */
  readonly members: string | undefined
  /** what its logical files have to be; undefined: text */
  readonly format: TableFormat | 'any' | undefined
  /** of the whole submission */
  readonly budget: ContentBudget
  /** what opens its encrypted members; default none */
  readonly secrets?: PackageSecrets
  readonly signal: AbortSignal
}

export interface LogicalFile {
  /** of a member: `{file}!{member}` */
  readonly name: string
  /** undefined: the delivered file itself */
  readonly member: string | undefined
  /** Reads it once. Throws PARSE_FAILED for a broken or too large one. */
  readonly read: (accept: ContentSink) => Promise<ContentDigest>
  /**
   * Its first decompressed bytes, at most so many, instead of all; and all where `whole` wants them
   * once it has seen those.
   */
  readonly head: (
    count: number,
    whole?: (head: Buffer) => ContentSink | undefined,
  ) => Promise<Buffer>
}

/** One delivered file; asked for its logical files once. */
export class DeliveredFile {
  readonly #options: DeliveredFileOptions
  readonly #gate: MemberGate

  constructor(options: DeliveredFileOptions) {
    const { name, members, budget } = options
    this.#options = options
    this.#gate = new MemberGate({ file: name, members, limits: budget.limits })
  }

  /** members of a package that are no data */
  get left(): MemberGate['left'] {
    return this.#gate.left
  }

  /** One after the other: the next may be asked for when one is read. Throws PARSE_FAILED. */
  async *logicalFiles(): AsyncGenerator<LogicalFile> {
    const { name, path, budget } = this.#options
    const { fileBytes } = budget.limits
    if ((await stat(path)).size > fileBytes) {
      fail(name, 'TOO_LARGE', `more than ${fileBytes} bytes; deliver it in parts`)
    }
    const kind = await kindOfFile(path)
    if (kind === 'file') {
      yield this.#whole(name, path)
      return
    }
    for await (const member of this.#members(kind)) {
      yield this.#member(member)
    }
  }

  #members(kind: Exclude<DeliveredKind, 'file'>): AsyncGenerator<Member> {
    const { name: file, path, budget, secrets = NO_SECRETS, signal } = this.#options
    const request: PackageRequest = { file, gate: this.#gate, budget, secrets, signal }
    if (kind === 'zip') return zipMembers(path, request)
    let packageBytes = 0
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const block of streamOf(path)) {
        packageBytes += block.length
        yield block
      }
    }
    const bytes = kind === 'tar' ? counted() : gunzipped(counted(), request)
    return tarMembers({ bytes, packageBytes: () => packageBytes }, request)
  }

  #whole(name: string, path: string): LogicalFile {
    const { format, budget, signal } = this.#options
    const reading = { name, format, budget, signal }
    return {
      name,
      member: undefined,
      read: (accept) => readContent({ ...reading, bytes: blocksOf(path), accept }),
      head: (count, whole) => contentHead({ ...reading, bytes: blocksOf(path) }, count, whole),
    }
  }

  #member({ name: member, open: bytes, packageBytes }: Member): LogicalFile {
    const { name: file, format, budget, signal } = this.#options
    const name = `${file}!${member}`
    const reading = { name, format, budget, signal }
    return {
      name,
      member,
      read: (accept) =>
        readContent({
          ...reading,
          bytes: bytes(),
          accept: (window, memberBytes) => accept(window, packageBytes(memberBytes)),
        }),
      head: (count, whole) => contentHead({ ...reading, bytes: bytes() }, count, whole),
    }
  }
}

/** A file that is one logical file, for what looks at one: read to its end. Throws PARSE_FAILED. */
export async function readOne(
  {
    limits,
    ...options
  }: Pick<DeliveredFileOptions, 'name' | 'path' | 'signal'> & { readonly limits: PackageLimits },
  accept: ContentSink,
): Promise<void> {
  const budget = new ContentBudget(limits)
  const asked = { ...options, members: undefined, format: undefined, budget }
  const delivered = new DeliveredFile(asked)
  for await (const file of delivered.logicalFiles()) await file.read(accept)
}

type DeliveredKind = 'file' | 'zip' | 'tar' | 'tar.gz'

/** Blocks of their own, as streams keep several. */
const streamOf = (path: string): AsyncIterable<Buffer> =>
  createReadStream(path, { highWaterMark: BLOCK_BYTES })

/** Blocks in one buffer: each is valid until the next is asked for. */
async function* blocksOf(path: string): AsyncGenerator<Buffer> {
  await using file = await open(path, 'r')
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, null)
    if (bytesRead === 0) return
    yield block.subarray(0, bytesRead)
  }
}

/** Bytes of a gzip stream that hold at least MAGIC_BYTES of content, header and names included. */
const GZIP_HEAD_BYTES = 64 * 1024

/** By first bytes, never by name. */
async function kindOfFile(path: string): Promise<DeliveredKind> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(GZIP_HEAD_BYTES),
    0,
    GZIP_HEAD_BYTES,
    0,
  )
  const head = buffer.subarray(0, bytesRead)
  const kind = packageKind(head)
  if (kind === 'zip' || kind === 'tar') return kind
  if (kind !== 'gzip') return 'file'
  return packageKind(await gunzipHead(head, MAGIC_BYTES)) === 'tar' ? 'tar.gz' : 'file'
}
