/** The commands about the staging folder: declarations only. */
import type { Command, CommandOption } from '../../engine/index.ts'
import type { Host } from './host.ts'
import type { OpenedPlatform } from './opened.ts'

const PREFIX: CommandOption = {
  flags: '--prefix <folder>',
  description: 'the staging folder (default: the project’s, or FP_PREFIX)',
}

/** Copying beside the road, and what manifests say. */
export const stagingCommands = (host: Host): readonly Command<OpenedPlatform>[] => [
  {
    name: 'copy',
    summary: 'raw files into bronze, for a producer beside the road, each with its manifest line',
    arguments: [
      { form: '<raw>', description: 'a file, or a folder: every file in it', completes: 'file' },
      {
        form: '<bronze>',
        description: 'a folder; a file becomes YYYY/MM/DD/HHMMSS--name in it, in UTC',
        completes: 'file',
      },
    ],
    options: [
      { flags: '--vendor <name>', description: 'needed: whose files they are' },
      { flags: '--dataset <name>', description: 'needed: of what kind' },
      { flags: '--version <name>', description: 'needed: in which form' },
      PREFIX,
    ],
    examples: [
      [
        'copy raw bronze --vendor sp --dataset pipe --version 1.0',
        'raw/env0/data.csv → bronze/2026/01/18/143000--data.csv; temp_ files wait',
      ],
      [
        'copy raw /data/sp/pipe/1.0/bronze --vendor sp --dataset pipe --version 1.0 --prefix /data',
        'without a project: its line is under /data/sp/pipe/1.0/manifests',
      ],
    ],
    load: async () => (await import('./copy.ts')).runCopy(host),
  },
  {
    name: 'manifest processed',
    summary:
      'what was landed, the newest day first, place by place: raw file → where it lies; reads no catalog',
    options: [
      { flags: '--place <place>', description: 'only of vendor/dataset/version' },
      { flags: '--limit <count>', description: 'how many (default: 100)' },
      PREFIX,
    ],
    examples: [
      ['manifest processed', 'of every place'],
      ['manifest processed --place north_clinic/medical_claim/cdl.v1', 'of one'],
    ],
    load: async () => (await import('./manifest-processed.ts')).runManifestProcessed(host),
  },
]
