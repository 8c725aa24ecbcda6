/** Folders of samples, made when they are needed; what was made is remembered. */
import { mkdirSync } from 'node:fs'

/** Folder names remembered; beyond that they are asked for again. */
const REMEMBERED_MAX = 100_000

export class Folders {
  readonly #made = new Set<string>()

  /** At once: a small file costs more in promises than on a disk. */
  make(path: string): void {
    if (this.#made.has(path)) return
    if (this.#made.size >= REMEMBERED_MAX) this.#made.clear()
    mkdirSync(path, { recursive: true })
    this.#made.add(path)
  }

  /** Somebody may have removed them meanwhile. */
  forget(): void {
    this.#made.clear()
  }
}
