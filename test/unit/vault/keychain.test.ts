import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { hasSessionBus, keychainError } from '../../../app/vault/keychain.ts'

describe('keychainError', () => {
  it.each([
    // Linux: seen with libsecret and gnome-keyring
    ['Cannot autolaunch D-Bus without X11 $DISPLAY', 'KEYCHAIN_ABSENT'],
    ['Could not connect: No such file or directory', 'KEYCHAIN_ABSENT'],
    ['The name org.freedesktop.secrets was not provided by any .service files', 'KEYCHAIN_ABSENT'],
    ['Object does not exist at path “/org/freedesktop/secrets/collection/login”', 'KEYCHAIN_ABSENT'],
    ['libsecret-1.so.0: cannot open shared object file: No such file or directory', 'KEYCHAIN_ABSENT'],
    ['Cannot create an item in a locked collection', 'KEYCHAIN_LOCKED'],
    // macOS: texts of the Security framework
    ['User interaction is not allowed.', 'KEYCHAIN_LOCKED'],
    ['The user name or passphrase you entered is not correct.', 'KEYCHAIN_DENIED'],
    ['User canceled the operation.', 'KEYCHAIN_DENIED'],
    ['A default keychain could not be found.', 'KEYCHAIN_ABSENT'],
    // Windows
    ['Access is denied.', 'KEYCHAIN_DENIED'],
    ['Something nobody has seen yet', 'KEYCHAIN_DENIED'],
  ])('understands “%s” as %s', (text, code) => {
    const error = keychainError(new Error(text))
    expect(error).toBeInstanceOf(AppError)
    expect(error.code).toBe(code)
    expect(error.message).not.toContain(text)
  })

  it('leaves errors that are already understood alone', () => {
    const error = new AppError('KEYCHAIN_LOCKED', 'x')
    expect(keychainError(error)).toBe(error)
  })
})

describe('hasSessionBus', () => {
  it('goes by the address, else by the socket of the user’s session', async () => {
    await using dir = await tempDir()
    expect(hasSessionBus({})).toBe(false)
    expect(hasSessionBus({ DBUS_SESSION_BUS_ADDRESS: '', XDG_RUNTIME_DIR: '' })).toBe(false)
    expect(hasSessionBus({ DISPLAY: ':0', XDG_RUNTIME_DIR: dir.path })).toBe(false)
    expect(hasSessionBus({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/x' })).toBe(true)
    await writeFile(dir.file('bus'), '')
    expect(hasSessionBus({ XDG_RUNTIME_DIR: dir.path })).toBe(true)
  })
})
