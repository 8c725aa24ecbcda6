/** The commands about deliveries, registry and findings: declarations only. */
import type { Command, CommandOption } from '../../engine/index.ts'
import type { Host } from './host.ts'
import type { OpenedPlatform } from './opened.ts'
import { QUEUE } from './queue-commands.ts'
import { SAMPLES } from './samples-commands.ts'
import { stagingCommands } from './staging-commands.ts'

/** What each group of commands is about. */
export const GROUPS: Readonly<Record<string, string>> = {
  registry: 'layouts, mappings, rules: check, sync, try, test; draft a layout',
  submissions: 'deliveries: list them, look at them, decide about them',
  sensors: 'what a daemon looks at: list, tick, logs, pause',
  manifest: 'manifests: what was found at a source, what was landed',
  samples: 'small real files to look at: make, list, show, purge',
  queue: 'requests to rebuild canonical months: ask, ask again, take back, pause',
  store: 'the S3 store’s bucket',
  audit: 'who changed what and why: list it, prove it whole',
}

const SUBMISSION = { form: '<submission>', description: 'a submission’s id' } as const
const REASON: CommandOption = { flags: '--reason <text>', description: 'why, for the audit' }
const MONTH: CommandOption = {
  flags: '--month <months>',
  description: 'YYYY-MM, several by comma; default: all its months',
}

const DRAFT: readonly CommandOption[] = [
  { flags: '--as <layout>', description: 'file_type/layout to write (default: print it)' },
  { flags: '--force', description: 'write over a layout that is there' },
]

const REGISTRY: readonly Command<OpenedPlatform>[] = [
  {
    name: 'registry check',
    summary: 'every error of every registry file, with its place; changes nothing',
    options: [
      {
        flags: '--samples <folder>',
        description: 'also read the example files that layouts name as path, and their twins',
      },
    ],
    examples: [
      ['registry check', 'before a commit, or in CI'],
      ['registry check --samples samples/', 'do layouts describe their files'],
    ],
    load: async () => (await import('./registry-check.ts')).runCheck,
  },
  {
    name: 'registry diff',
    summary: 'what the files change beside the catalog, and which partitions that touches',
    examples: [['registry diff', 'down to the JSON pointer']],
    load: async () => (await import('./registry-diff.ts')).runDiff,
  },
  {
    name: 'registry sync',
    summary: 'take the registry files over, all or nothing; builds nothing',
    options: [
      {
        flags: '--allow-blocked',
        description: 'also a schema that a live layout has no mapping to',
      },
      REASON,
    ],
    examples: [['registry sync', 'plan and materialize do it too']],
    load: async () => (await import('./registry-diff.ts')).runSync,
  },
  {
    name: 'registry try',
    summary: 'a file’s first rows as a layout reads them, and what the rules say',
    arguments: [
      { form: '<layout>', description: 'as medical/synthea/v1; the version may be left out' },
      { form: '<file>', description: 'the file, also gzip', completes: 'file' },
    ],
    options: [
      { flags: '--rows <count>', description: 'rows to show (default: 5)' },
      { flags: '--mask', description: 'show no value, only whether there is one' },
    ],
    examples: [['registry try medical/synthea/v1 sample.csv', 'nothing is stored']],
    load: async () => (await import('./registry-try.ts')).runTry,
  },
  {
    name: 'validate',
    summary: 'before you send a file: what the state would say of it, without one value',
    arguments: [
      { form: '<layout>', description: 'as medical/synthea/v1; the version may be left out' },
      {
        form: '<file...>',
        description: 'each is checked by itself, also packed',
        completes: 'file',
      },
    ],
    options: [
      { flags: '--report <form>', description: 'html or json (default: text)' },
      { flags: '--out <file>', description: 'write the report there (default: stdout)' },
    ],
    examples: [
      ['validate medical_claim/cdl claims.txt', 'exit 1: it would not be accepted'],
      ['validate medical_claim/cdl claims.txt --report html --out report.html', 'to mail'],
    ],
    load: async () => (await import('./validate.ts')).runValidate,
  },
  {
    name: 'registry import',
    summary: 'draft a layout from a guide’s field list, or from a Frictionless descriptor',
    arguments: [{ form: '<file>', description: 'CSV, XLSX or JSON', completes: 'file' }],
    options: [
      ...DRAFT,
      { flags: '--delimiter <character>', description: 'of the data files (default: a comma)' },
      { flags: '--resource <name>', description: 'of a data package with several' },
      { flags: '--sheet <name>', description: 'of a workbook (default: the first)' },
    ],
    examples: [
      ['registry import guide.csv', 'prints the draft'],
      ['registry import guide.xlsx --sheet MC --as medical_claim/mine', 'writes it, INACTIVE'],
      ['registry import datapackage.json --resource claims', 'Frictionless, or a CMS dictionary'],
    ],
    load: async () => (await import('./registry-import.ts')).runImport,
  },
  {
    name: 'registry infer',
    summary: 'draft a layout from sample files: delimiter, names, types, dates, month',
    arguments: [{ form: '<file...>', description: 'written alike, also gzip', completes: 'file' }],
    options: DRAFT,
    examples: [
      ['registry infer claims.txt', 'prints the draft'],
      ['registry infer jan.txt feb.txt --as medical_claim/mine', 'writes it, INACTIVE'],
    ],
    load: async () => (await import('./registry-infer.ts')).runInfer,
  },
  {
    name: 'registry generate',
    summary: 'a synthetic file of a layout, to send as a test or to try a mapping with',
    arguments: [
      { form: '<layout>', description: 'as medical/synthea/v1; the version may be left out' },
    ],
    options: [
      { flags: '--rows <count>', description: 'data records (default: 1000)' },
      { flags: '--months <months>', description: 'YYYY-MM or YYYY-MM:YYYY-MM (default: 2024-01)' },
      { flags: '--seed <text>', description: 'the same seed, the same bytes (default: 1)' },
      { flags: '--submitter <code>', description: 'what control records call the submitter' },
      { flags: '--test-flag', description: 'the control record says that it is a test' },
      { flags: '--defects <share>', description: 'records to spoil, of every kind (default: 0)' },
      { flags: '--truth <file>', description: 'write which lines were spoiled, and how' },
      { flags: '--out <file>', description: 'where to (default: stdout)' },
    ],
    examples: [
      ['registry generate medical/synthea --rows 5 --seed a', 'to the screen'],
      [
        'registry generate medical_claim/cdl --months 2024-01:2024-03 --test-flag --out test.txt',
        'a first test file for a state',
      ],
      [
        'registry generate medical_claim/cdl --defects 0.01 --truth truth.jsonl --out bad.txt',
        'a file whose faults are known',
      ],
    ],
    load: async () => (await import('./registry-generate.ts')).runGenerate,
  },
  {
    name: 'registry test',
    summary: 'run the tests beside the mappings: input rows, expected canonical rows',
    arguments: [{ form: '[mapping...]', description: 'as medical/synthea/v1; default: all' }],
    examples: [['registry test', 'every mapping with a v*.test.json']],
    load: async () => (await import('./registry-test.ts')).runTest,
  },
]

const SUBMISSIONS: readonly Command<OpenedPlatform>[] = [
  {
    name: 'submissions list',
    summary: 'every submission, newest first',
    options: [
      { flags: '--status <status>', description: 'only these, several by comma' },
      { flags: '--submitter <id>', description: 'only of this submitter' },
      { flags: '--type <file_type>', description: 'only of this file type' },
      { flags: '--limit <count>', description: 'how many (default: all)' },
    ],
    examples: [['submissions list --status NEEDS_REVIEW', 'what waits for a person']],
    load: async () => (await import('./submissions-list.ts')).runList,
  },
  {
    name: 'submissions show',
    summary: 'one submission: files, routing, parse, validation, months',
    arguments: [SUBMISSION],
    examples: [['submissions show 20260301T140509123Z-0a1b2c3d4e5f', 'where it stands, and why']],
    load: async () => (await import('./submissions-show.ts')).runShow,
  },
  {
    name: 'submissions route',
    summary: 'say yourself what a submission is',
    arguments: [SUBMISSION],
    options: [
      { flags: '--layout <layout>', description: 'needed: file_type/layout/version' },
      {
        flags: '--period <months>',
        description: 'YYYY-MM or YYYY-MM:YYYY-MM (default: those it has)',
      },
      { flags: '--state <state>', description: 'default: the submitter’s' },
      REASON,
    ],
    examples: [
      [
        'submissions route ID --layout medical/synthea/v1 --period 2024-01:2024-03 --reason "call"',
        'stamp it anew',
      ],
    ],
    load: async () => (await import('./submissions-decide.ts')).runRoute,
  },
  {
    name: 'submissions withdraw',
    summary: 'take a submission back, for good: its months go to the next in line',
    arguments: [SUBMISSION],
    options: [REASON],
    examples: [['submissions withdraw ID --reason "sent by mistake"', 'needs a reason']],
    load: async () => (await import('./submissions-decide.ts')).runWithdraw,
  },
  {
    name: 'submissions confirm',
    summary: 'let a held submission win, although it shrinks the month',
    arguments: [SUBMISSION],
    options: [MONTH, REASON],
    examples: [['submissions confirm ID --month 2024-02 --reason "plan closed"', 'one month']],
    load: async () => (await import('./submissions-decide.ts')).runConfirm,
  },
  {
    name: 'submissions reject',
    summary: 'a submission may not win these months',
    arguments: [SUBMISSION],
    options: [MONTH, REASON],
    examples: [['submissions reject ID --reason "partial file"', 'all its months']],
    load: async () => (await import('./submissions-decide.ts')).runReject,
  },
  {
    name: 'submissions pin',
    summary: 'choose a month’s winner by hand, or clear that choice',
    arguments: [{ ...SUBMISSION, form: '[submission]' }],
    options: [
      MONTH,
      { flags: '--clear <partition>', description: 'state/file_type/submitter/YYYY-MM' },
      REASON,
    ],
    examples: [
      ['submissions pin ID --month 2024-02 --reason "agreed by phone"', 'it wins while it may'],
      ['submissions pin --clear MA/medical/acme/2024-02 --reason "resolved"', 'take it back'],
    ],
    load: async () => (await import('./submissions-decide.ts')).runPin,
  },
]

const REST: readonly Command<OpenedPlatform>[] = [
  {
    name: 'findings',
    summary: 'what is wrong or waits: refused files, failed rules, reviews',
    options: [
      { flags: '--severity <severity>', description: 'only these', choices: ['error', 'warning'] },
      { flags: '--submission <id>', description: 'only about this submission' },
    ],
    examples: [['findings --severity error', 'what made a run exit 1']],
    load: async () => (await import('./findings.ts')).runFindings,
  },
  {
    name: 'rejects',
    summary: 'records of a submission that were not accepted: line, column, reason; no values',
    arguments: [SUBMISSION],
    options: [
      { flags: '--limit <count>', description: 'how many (default: 50)' },
      { flags: '--raw', description: 'with the lines themselves: needs --reason, is audited' },
      REASON,
    ],
    examples: [
      ['rejects ID', 'masked'],
      ['rejects ID --raw --reason "to send back to the submitter"', 'person data on screen'],
    ],
    load: async () => (await import('./rejects.ts')).runRejects,
  },
]

const MANIFEST = { form: '<manifest>', description: 'its file name' } as const

const MANIFESTS: readonly Command<OpenedPlatform>[] = [
  {
    name: 'manifest list',
    summary: 'every discovery manifest, and which is the newest of its source',
    examples: [['manifest list', 'by source and time']],
    load: async () => (await import('./manifest.ts')).runManifestList,
  },
  {
    name: 'manifest show',
    summary: 'the entries of one manifest, and the submissions they became',
    arguments: [MANIFEST],
    examples: [['manifest show cms_hcpcs_manifest_20250401_061500.jsonl', 'one of them']],
    load: async () => (await import('./manifest.ts')).runManifestShow,
  },
  {
    name: 'manifest diff',
    summary: 'what a newer manifest adds, changes, and no longer names',
    arguments: [
      { form: '<older>', description: 'a manifest, or a source: its two newest are compared' },
      { form: '[newer]', description: 'a manifest' },
    ],
    examples: [['manifest diff hcpcs', 'the last two of a source']],
    load: async () => (await import('./manifest.ts')).runManifestDiff,
  },
]

const start = (host: Host): readonly Command<OpenedPlatform>[] => [
  {
    name: 'init',
    summary: 'a new project',
    arguments: [{ form: '[folder]', description: 'default: this one', completes: 'file' }],
    options: [
      {
        flags: '--template <template>',
        description: 'demo has example submitters and deliveries',
        choices: ['demo', 'synthea', 'empty'],
      },
      { flags: '-y, --yes', description: 'ask nothing' },
    ],
    examples: [['init claims --template demo --yes', 'a folder with something to build']],
    load: async () => (await import('./init.ts')).runInit(host),
  },
  {
    name: 'demo',
    summary: 'the main job in a new folder, step by step',
    arguments: [{ form: '[folder]', description: 'default: demo, demo-2, …', completes: 'file' }],
    examples: [['demo', 'less than a minute']],
    load: async () => (await import('./demo.ts')).runDemoCommand(host),
  },
  {
    name: 'doctor',
    summary: 'whether this machine and project can work; --verify: whether the data is sound',
    options: [
      { flags: '--verify', description: 'evaluate every invariant, one line each' },
      { flags: '--deep', description: 'with --verify: read every byte too' },
      {
        flags: '--store',
        description: 'ask the S3 store what it does, and say what it is good for',
      },
    ],
    examples: [
      ['doctor', 'settings and where each comes from'],
      ['doctor --verify', 'exit 0 only if all invariants hold'],
      ['doctor --store', 'before a bucket is trusted'],
    ],
    load: async () => (await import('./doctor.ts')).runDoctor(host),
  },
  {
    name: 'store bootstrap',
    summary: 'make the bucket, its versions, its lock and its rules; with the owner’s keys',
    options: [
      {
        flags: '--principals <file>',
        description: 'JSON of access keys and components: set the bucket’s policy too (not MinIO)',
      },
      { flags: '--policies <folder>', description: 'write the policies of every component there' },
    ],
    examples: [['store bootstrap --policies policies', 'then: mc admin policy create …']],
    load: async () => (await import('./store-bootstrap.ts')).runStoreBootstrap(host),
  },
]

/** Every command about deliveries, registry and findings. */
export const domainCommands = (host: Host): readonly Command<OpenedPlatform>[] => [
  ...start(host),
  ...REGISTRY,
  ...SUBMISSIONS,
  ...REST,
  ...QUEUE,
  ...MANIFESTS,
  ...stagingCommands(host),
  ...SAMPLES,
]
