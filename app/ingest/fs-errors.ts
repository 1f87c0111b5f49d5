import { basename } from 'node:path'
import { AppError } from '../contract/errors.ts'
import { diskFull } from './disk-space.ts'
import { cleanFileName } from './file-name.ts'

const UNREADABLE = new Map([
  ['ENOENT', 'it is no longer there'],
  ['ENOTDIR', 'it is no longer there'],
  ['EACCES', 'you have no permission to read it'],
  ['EPERM', 'you have no permission to read it'],
  ['EIO', 'the drive reported an error'],
  ['ENODEV', 'its drive is not connected'],
  ['ESTALE', 'its network folder is not connected'],
  ['ELOOP', 'its link leads nowhere'],
  ['ENAMETOOLONG', 'its path is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['EBUSY', 'another program keeps it locked'],
])

export function errno(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function quoted(path: string): string {
  return `“${cleanFileName(basename(path))}”`
}

/** What went wrong on the side of the file that is being added; anything unexpected comes back unchanged. */
export function sourceError(error: unknown, path: string): unknown {
  if (error instanceof AppError) return error
  const code = errno(error) ?? ''
  if (code === 'EISDIR' || code === 'ENXIO') return notAFile(path)
  const reason = UNREADABLE.get(code)
  if (reason === undefined) return error
  return new AppError(
    'SOURCE_UNREADABLE',
    `${quoted(path)} could not be read: ${reason}. Nothing was stored.`,
    {
      cause: error,
      hint: 'Check that the file is there and that you may open it, then try again.',
    },
  )
}

/** What went wrong on the side of the media folder; anything unexpected comes back unchanged. */
export function targetError(error: unknown): unknown {
  if (error instanceof AppError) return error
  switch (errno(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull({}, error)
    case 'EFBIG':
      return new AppError(
        'DISK_FULL',
        'The drive of the media folder cannot hold a file this large. Nothing was stored.',
        {
          cause: error,
          hint: 'Choose a media folder on a drive with a newer file system.',
        },
      )
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new AppError('MEDIA_READ_ONLY', 'The media folder cannot be written to. Nothing was stored.', {
        cause: error,
        hint: 'Make the folder writable or choose another one, then try again.',
      })
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EIO':
    case 'ENODEV':
    case 'ENXIO':
    case 'ESTALE':
      return new AppError('MEDIA_OFFLINE', 'The media folder is not there any more. Nothing was stored.', {
        cause: error,
        hint: 'Connect its drive again, then try again.',
      })
    default:
      return error
  }
}

export function notAFile(path: string): AppError {
  return new AppError('SOURCE_NOT_A_FILE', `${quoted(path)} is not a file, so it cannot be added.`, {
    hint: 'Add files one by one; folders, devices and pipes cannot be added.',
  })
}

export function sourceEmpty(name: string): AppError {
  return new AppError('SOURCE_EMPTY', `${quoted(name)} is empty, so there is nothing to add.`)
}

export function sourceChanged(path: string): AppError {
  return new AppError(
    'SOURCE_CHANGED',
    `${quoted(path)} changed while it was being read. Nothing was stored.`,
    {
      hint: 'Wait until the program that writes it has finished, then try again.',
    },
  )
}

/** What an aborted job ends with: the reason it was aborted for when that is one for the user, else `CANCELLED`. */
export function cancelled(signal: AbortSignal): AppError {
  if (signal.reason instanceof AppError) return signal.reason
  return new AppError('CANCELLED', 'Cancelled. Nothing was stored.')
}
