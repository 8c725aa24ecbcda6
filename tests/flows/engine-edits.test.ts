import { engineEdits } from '../contracts/engine-edits.ts'
import { DATABASES } from '../support/engine-project.ts'

for (const database of DATABASES) engineEdits(database)
