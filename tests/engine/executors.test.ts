import { describe } from 'vitest'
import { executorContract } from '../contracts/executor.ts'
import { DISPATCHES } from '../support/workers.ts'

describe.each(DISPATCHES)('on %s, the %s executor', (database, name) => {
  executorContract(name, database)
})
