import { describe, expect, it } from 'vitest'
import { loginMessage } from '../../../app/vault/index.ts'

const CHALLENGE = 'c2V2ZW50ZWVuIGJ5dGVzIQ'

describe('loginMessage', () => {
  it('is the sha256 of the text of the format', () => {
    // printf %s 'sower-login:v1:node.example:8765:c2V2ZW50ZWVuIGJ5dGVzIQ' | sha256sum
    expect(Buffer.from(loginMessage('node.example:8765', CHALLENGE)).toString('hex')).toBe(
      '9895b8385ac8ad3d82e988e4f75cb697e3606f628cb3a6793d7aafdeeaf68269',
    )
  })

  it('takes hosts as URLs have them', () => {
    for (const url of [
      'https://Node.Example/',
      'http://127.0.0.1:8765/',
      'http://[::1]:80/',
      'http://[2001:db8::1]:8765/',
    ]) {
      expect(loginMessage(new URL(url).host, CHALLENGE)).toHaveLength(32)
    }
  })

  it.each([
    ['', CHALLENGE],
    ['Node.Example', CHALLENGE],
    ['node.example:1:2', CHALLENGE],
    ['node.example/x', CHALLENGE],
    ['user@node.example', CHALLENGE],
    ['node.example\n', CHALLENGE],
    ['node.example', 'short'],
    ['node.example', `${CHALLENGE}:more`],
    ['node.example', 'x'.repeat(513)],
  ])('signs nothing for host %j and challenge %j', (host, challenge) => {
    expect(() => loginMessage(host, challenge)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })
})
