import { engineBuilds } from '../contracts/engine-builds.ts'
import { DATABASES } from '../support/engine-project.ts'

for (const database of DATABASES) engineBuilds(database)
