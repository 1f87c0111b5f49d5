import { AppError } from './contract/index.ts'

/** For the calls that are being built. */
export async function notYet(): Promise<never> {
  throw new AppError('UNAVAILABLE', 'This is not built yet.')
}
