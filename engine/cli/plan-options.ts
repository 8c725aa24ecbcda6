/** The argument and options that every command with a plan has. */
import type { CommandOption } from './command.ts'

export const SELECTION_ARGUMENT = {
  form: '[selection...]',
  description: 'default all; as gold_canonical[state=CO]+  +silver  tag:phi',
  completes: 'selection',
} as const

export const PLAN_OPTIONS: readonly CommandOption[] = [
  { flags: '--force <reason>', description: 'rebuild the selection although nothing differs' },
  { flags: '--verify', description: 'look into the store too: missing or cut parts are rebuilt' },
  { flags: '--no-sync', description: 'leave the registry as the catalog has it' },
]
