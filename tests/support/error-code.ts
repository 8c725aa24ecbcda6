import { isEngineError } from '../../engine/index.ts'

/** The code of the EngineError that a call throws; what else it throws goes through. */
export function errorCode(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (isEngineError(error)) return error.code
    throw error
  }
}

/** The same of a promise. */
export async function rejectedCode(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (isEngineError(error)) return error.code
    throw error
  }
}
