/** `demo`: the main job in a new folder, each step with the command a person would type. */
import type { CommandCall } from '../../engine/index.ts'
import { freeDemoFolder, runDemo } from '../demo.ts'
import type { Host } from './host.ts'
import type { OpenedPlatform } from './opened.ts'

/** Runs `demo`. */
export const runDemoCommand =
  (host: Host) =>
  async (call: CommandCall<OpenedPlatform>): Promise<number> =>
    runDemo({
      folder: call.words[0] ?? freeDemoFolder(call.folder),
      command: host.command,
      print: (line) => call.terminal.print(line),
      run: host.run,
      ask: host.ask,
    })
