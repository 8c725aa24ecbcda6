/** The bytes that a source names, wherever it lies. */
import { readFolderFile } from './folder-inbox.ts'
import type { Inbox } from './inbox.ts'

/** Of the inbox, or of a file that a discovery manifest names. Throws as `Inbox.read` does. */
export const readSource = (inbox: Inbox, source: string): AsyncIterable<Buffer> =>
  inbox.pathOf(source) === undefined ? readFolderFile(source) : inbox.read(source)

/** The file name that a source was delivered under. */
export const deliveredName = (inbox: Inbox, source: string): string =>
  (inbox.pathOf(source) ?? source).split('/').at(-1) ?? source
