/** What the tokens of masked samples are keyed by. */
import { join } from 'node:path'
import { EngineError, frameDigest, keyFile } from '../../engine/index.ts'
import type { Config } from '../config.ts'

const KEY_BYTES_MIN = 16

/** The key of masked samples: as it is set, else a file of the project. Throws CONFIG_INVALID. */
export function sampleKey({ root, samples: { key } }: Pick<Config, 'root' | 'samples'>): Buffer {
  if (key === undefined) return keyFile(join(root, '.tributary', 'sample-key'))
  const bytes = Buffer.from(key.value, 'utf8')
  if (bytes.length >= KEY_BYTES_MIN) return bytes
  const reason = `it has less than ${KEY_BYTES_MIN} bytes`
  throw new EngineError('CONFIG_INVALID', { file: 'TRIBUTARY_SAMPLE_KEY', reason })
}

/** What a key is called in recipes and policies: other keys give other samples. Tells nothing of it. */
export const keyName = (key: Buffer): string => frameDigest(['sample-key', key.toString('hex')])
