/** One deliberate damage for each invariant, and what doctor says of it. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { InvariantId } from '../../assets/verify/invariant.ts'
import type { RoadProject } from '../support/project.ts'
import { cutPart, flipByte, manifestsOf, removePart, tamper } from './damage.ts'
import { PATIENT } from './verified-road.ts'

const node = (asset: string, where = ''): string =>
  `select n.id from node n join asset a on a.id = n.asset where a.name = '${asset}' ${where}`

const JANUARY = 'gold_canonical/MA/medical/atomic_month=2024-01'

export interface Damage {
  readonly name: string
  /** these and no others */
  readonly breaks: readonly InvariantId[]
  readonly deep?: boolean
  readonly words: Partial<Readonly<Record<InvariantId, RegExp>>>
  readonly by: (road: RoadProject) => Promise<void> | void
}

export const DAMAGES: readonly Damage[] = [
  {
    name: 'a canonical month that says it has other content',
    by: async (it) =>
      tamper(
        it,
        `update version set content_id = '${'0'.repeat(64)}'
      where id = (select version from node where id = (${node('gold_canonical', `and key = 'MA/medical/2024-02'`)}))`,
      ),
    breaks: ['I1', 'I16'],
    words: {
      I1: /gold_canonical\[MA\/medical\/2024-02\] has another content than a clean rebuild/,
    },
  },
  {
    name: 'a forgotten instant of first wanting',
    by: async (it) =>
      tamper(
        it,
        `delete from first_wanted where fingerprint in (
      select p.fingerprint from part p where p.name = 'part-alpha.parquet' and p.fingerprint is not null)`,
      ),
    breaks: ['I1'],
    words: { I1: /gold_canonical\[MA\/medical\/2024-01\]/ },
  },
  {
    name: 'a missing part of a canonical month',
    by: async (it) => removePart(it, 'gold_canonical'),
    breaks: ['I3'],
    words: {
      I3: /gold_canonical\[MA\/medical\/2024-01\]: part-alpha\.parquet is not in the store/,
    },
  },
  {
    name: 'a cut part',
    by: async (it) => cutPart(it, 'gold_canonical'),
    breaks: ['I3'],
    words: { I3: /part-alpha\.parquet has 10 bytes, the catalog says \d+/ },
  },
  {
    name: 'one changed byte of a published part, seen by --deep',
    deep: true,
    by: async (it) => flipByte(it, 'gold_canonical'),
    breaks: ['I3'],
    words: { I3: /part-alpha\.parquet has another SHA-256 than the catalog says/ },
  },
  {
    name: 'a withdrawal whose dirty mark is gone',
    by: async (it) => {
      const { submission_id: submission } = await it.submission('beta/february')
      await it.decide({ kind: 'withdraw', submission })
      await tamper(it, 'delete from dirty')
    },
    breaks: ['I1', 'I3', 'I7'],
    words: {
      I3: /(?:standing|winner)\[.*2024-02\] reads another version than is current and is not marked dirty/,
    },
  },
  {
    name: 'one changed byte of a raw file',
    by: async (it) => flipByte(it, 'raw'),
    breaks: ['I1', 'I5'],
    words: {
      I5: /raw\[alpha\/medical\/[^\]]*\]: data\/medical_202401_202403\.csv was changed after/,
    },
  },
  {
    name: 'a raw file that is not what intake registered',
    by: async (it) => tamper(it, `update submission_file set size_bytes = size_bytes + 1`),
    breaks: ['I5'],
    words: { I5: /is not the file that was registered at intake \(and 3 more\)/ },
  },
  {
    name: 'a month whose parts lost a row',
    by: async (it) =>
      tamper(
        it,
        `update part set rows = rows - 1 where build in (
      select built from node where id in (${node('gold_submitter')}))`,
      ),
    breaks: ['I6'],
    words: {
      I6: /gold_submitter\[MA\/medical\/alpha\/2024-01\]: 9 rows, its winner has 10 in silver/,
    },
  },
  {
    name: 'a count of accepted records that the report does not have',
    by: async (it) =>
      tamper(
        it,
        `update version set value = replace(value, '"accepted":30', '"accepted":29')
      where node in (${node('parse')})`,
      ),
    breaks: ['I6'],
    words: { I6: /parse\[alpha\/.*\]: 29 accepted records, 30 silver rows/ },
  },
  {
    name: 'a winner that somebody wrote into the catalog',
    by: async (it) =>
      tamper(
        it,
        `update version set value = replace(value, '"rows":10', '"rows":11')
      where node in (${node('winner')})`,
      ),
    breaks: ['I7'],
    words: {
      I7: /winner\[MA\/medical\/alpha\/2024-01\] is not what its \d submissions? and the decisions/,
    },
  },
  {
    name: 'a recipe version that nobody released',
    by: async (it) =>
      tamper(
        it,
        `update version set content_id = 'x' where node in (${node('recipe', `and key = 'measure'`)})`,
      ),
    breaks: ['I8'],
    words: { I8: /nothing changed and nothing is dirty, yet 4 steps would run: reuse measure\[/ },
  },
  {
    name: 'a build that read what its build before had read',
    by: async (it) =>
      tamper(
        it,
        `update build set slots = (
        select p.slots from build p where p.node = build.node and p.id < build.id order by p.id desc limit 1)
      where id = (select max(b.id) from build b join node n on n.id = b.node
        where n.id in (${node('gold_canonical')}))`,
      ),
    breaks: ['I9'],
    words: {
      I9: /gold_canonical\[MA\/medical\/2024-03\] was built, and read what its build before/,
    },
  },
  {
    name: 'a cause that is not true',
    by: async (it) =>
      tamper(
        it,
        `update build set cause = replace(cause, 'gold_submitter', 'schema')
      where run = (select max(run) from build) and cause is not null`,
      ),
    breaks: ['I9'],
    words: { I9: /names schema\[.*\] as its cause, which had not changed/ },
  },
  {
    name: 'an orphaned version, a half-written manifest, a dead link, old scratch',
    by: (it) => {
      mkdirSync(it.path(`data/.versions/${JANUARY}/@r99-1`))
      writeFileSync(`${manifestsOf(it, JANUARY)[0]}.tmp`, '{')
      symlinkSync('nowhere', it.path('data/gold_canonical/MA/medical/atomic_month=1999-01'))
      mkdirSync(it.path(`.tributary/scratch/${'a'.repeat(64)}`), { recursive: true })
    },
    breaks: ['I11'],
    words: { I11: /@r99-1 is a version that no commit refers to \(and 3 more\)/ },
  },
  {
    name: 'a patient in the words of a finding',
    by: async (it) =>
      tamper(
        it,
        `insert into finding (at_ms, severity, code, subject, words)
      values (0, 'error', 'X', 'y', 'the row of ${PATIENT}: is broken')`,
      ),
    breaks: ['I15'],
    words: { I15: /1 row of column finding\.words hold a value of medical\/synthea\/v1\.PATIENT/ },
  },
  {
    name: 'a patient in a log',
    by: (it) => {
      mkdirSync(it.path('.tributary/logs'), { recursive: true })
      writeFileSync(it.path('.tributary/logs/run-x.jsonl'), `{}\n{"msg":"${PATIENT}"}\n`)
    },
    breaks: ['I15'],
    words: {
      I15: /\.tributary\/logs\/run-x\.jsonl:2 holds a value of medical\/synthea\/v1\.PATIENT/,
    },
  },
  {
    name: 'a reason in the audit that was changed',
    by: async (it) => {
      await tamper(it, 'drop trigger audit_no_update')
      await tamper(it, `update audit set reason = 'another' where seq = 2`)
    },
    breaks: ['I14'],
    words: { I14: /^row 2 was changed/ },
  },
  {
    name: 'a link to an old version',
    by: (it) => {
      const link = it.path('data/gold_canonical/MA/medical/atomic_month=2024-02')
      const now = readlinkSync(link).split('/').at(-1)
      const versions = it.path('data/.versions/gold_canonical/MA/medical/atomic_month=2024-02')
      const old = readdirSync(versions).find((name) => name !== now && name !== '_manifest')
      rmSync(link)
      symlinkSync(`../../../.versions/gold_canonical/MA/medical/atomic_month=2024-02/${old}`, link)
    },
    breaks: ['I16'],
    words: {
      I16: /gold_canonical\[MA\/medical\/2024-02\]: readers do not see its current version/,
    },
  },
  {
    name: 'a manifest that is ahead of its commit',
    by: (it) => {
      const [manifest = ''] = manifestsOf(it, JANUARY)
      copyFileSync(manifest, join(manifest, '../0000000009.json'))
    },
    breaks: ['I16'],
    words: { I16: /2024-01\]: its last manifest is 9, its commit number is 1/ },
  },
  {
    name: 'a run that reports more than it built',
    by: async (it) =>
      tamper(it, `update run set counts = replace(counts, '"built":', '"built":1') where id = 1`),
    breaks: ['I16'],
    words: { I16: /run 1 reports \d+ built, its build rows say \d+/ },
  },
  {
    name: 'a submission shown as something it is not',
    by: async (it) =>
      tamper(
        it,
        `update submission set status = 'VALIDATION_FAILED' where drop_path = 'beta/february'`,
      ),
    breaks: ['I7', 'I16'],
    words: { I16: /submission .* is shown as VALIDATION_FAILED, it is VALIDATED/ },
  },
]
