/** A program with one failpoint. */
import { failpoint } from '../../../engine/core/failpoint.ts'

failpoint('test.once')
console.log('still here')
