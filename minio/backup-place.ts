/** Where backups lie, by its name: a folder, or `s3://bucket/prefix`. */
import { copyFile, mkdir, open, rename } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { BackupPlace } from '../engine/index.ts'
import { EngineError } from '../engine/index.ts'
import type { S3Settings } from './s3-client.ts'

/** Opens a place; a folder is made when something is put there. Throws CONFIG_INVALID. */
export async function openBackupPlace(name: string, s3: S3Settings): Promise<BackupPlace> {
  if (!name.startsWith('s3://')) return folderPlace(resolve(name))
  const { parseS3Url, s3Client } = await import('./s3-client.ts')
  const { Bucket } = await import('./s3-bucket.ts')
  const bucket = new Bucket(s3Client(s3), parseS3Url(name))
  return {
    name,
    put: async (key, file) => bucket.putFile(inside(key), file),
    get: async (key, to) => {
      const body = await bucket.get(inside(key))
      if (body === undefined) return false
      await pipeline(body, createWriteStream(to))
      return true
    },
  }
}

function folderPlace(root: string): BackupPlace {
  return {
    name: root,
    put: async (name, file) => {
      const to = join(root, inside(name))
      await mkdir(dirname(to), { recursive: true })
      await copyFile(file, `${to}.tmp`)
      await syncFile(`${to}.tmp`)
      await rename(`${to}.tmp`, to)
    },
    get: async (name, to) => {
      try {
        await copyFile(join(root, inside(name)), to)
        return true
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
        throw error
      }
    },
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Names come from a catalog that may have been tampered with: none leaves the place. */
function inside(name: string): string {
  if (/(^|\/)\.{0,2}(\/|$)|\0/.test(name)) {
    throw new EngineError('PATH_INVALID', { dimension: 'path', length: name.length })
  }
  return name
}
