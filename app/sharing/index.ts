export { Sharing } from './sharing.ts'
export { SaveCopies } from './save-copies.ts'
export { Revocations } from './revocations.ts'
export type { Revocation } from './revocation.ts'
