/** The command line from source, whatever was bundled before. */
import module from 'node:module'
import { main } from '../../assets/main.ts'

module.enableCompileCache()
process.exitCode = await main(process.argv.slice(2))
