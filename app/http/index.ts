export { HttpServer } from './server.ts'
export { identifyClient } from './listener.ts'
export type { HttpAddresses, HttpServerOptions } from './server.ts'
export type { HttpLimits } from './limits.ts'
export type {
  EventSource,
  HttpSettings,
  MediaShelf,
  PlainFiles,
  RevocationLookup,
  SignedRevocation,
  StatusSource,
  TokenVerifier,
  UploadAdder,
  UploadDetails,
  UploadRequest,
} from './ports.ts'
