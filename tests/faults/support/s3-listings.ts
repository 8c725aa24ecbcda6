/** Listings as bad stores give them: one key a page, in reverse, or as they were a while ago. */
import type { S3Fault, S3Request } from './s3-proxy.ts'
import { of } from './s3-proxy.ts'

const CONTENTS = /<Contents>.*?<\/Contents>/gs

const contentsOf = (body: string): readonly string[] => body.match(CONTENTS) ?? []
const withContents = (body: string, contents: readonly string[]): string => {
  const bare = body.replaceAll(CONTENTS, '')
  return bare.replace('</ListBucketResult>', `${contents.join('')}</ListBucketResult>`)
}

const listing = (body: (body: string, request: S3Request) => string): S3Fault => ({
  when: of('list'),
  times: Infinity,
  injury: { do: 'rewrite', body },
})

/** One key a page. */
export function listOnePerPage(): S3Fault {
  const listings: { readonly body: string; readonly contents: readonly string[] }[] = []
  return listing((body, { query }) => {
    const token = query.get('continuation-token')
    const [, listed = '', at = ''] = /^proxy-(\d+)-(\d+)$/.exec(token ?? '') ?? []
    const number = token === null ? listings.push({ body, contents: contentsOf(body) }) - 1 : listed
    const found = listings[Number(number)] ?? { body: '', contents: [] }
    const place = Number(at)
    const page = withContents(found.body, found.contents.slice(place, place + 1))
    if (place + 1 >= found.contents.length) return page
    const next = `<NextContinuationToken>proxy-${number}-${place + 1}</NextContinuationToken>`
    return page
      .replace('<IsTruncated>false', '<IsTruncated>true')
      .replace('</ListBucketResult>', `${next}</ListBucketResult>`)
  })
}

/** Keys from the last to the first. */
export const listInReverse = (): S3Fault =>
  listing((body) => withContents(body, contentsOf(body).toReversed()))

/** Nothing of what was written since the first listing, and what was removed since. */
export function listStale(): S3Fault {
  let first: string | undefined
  return listing((body) => (first ??= body))
}

/** Every second key only: a replica that is behind. */
export const listHalf = (): S3Fault =>
  listing((body) =>
    withContents(
      body,
      contentsOf(body).filter((_, at) => at % 2 === 0),
    ),
  )
