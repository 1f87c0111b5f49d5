import { mount } from '../../../renderer/mount.tsx'
import { en } from '../../../renderer/strings/en.ts'
import { pseudoCatalogue } from '../../../renderer/strings/pseudo.ts'
import { chooseCatalogue } from '../../../renderer/strings/t.ts'
import { createFakeBridge, type FakeBridge, type FakeOptions } from '../fake-bridge.ts'

declare global {
  interface Window {
    /** The stand-in the page runs on, for tests to look at and to speak through. */
    fake: FakeBridge
  }
}

const params = new URLSearchParams(window.location.search)
if (params.get('locale') === 'pseudo') chooseCatalogue(pseudoCatalogue(en), 'en')
if (params.get('dir') === 'rtl') document.documentElement.dir = 'rtl'
// Written by the tests themselves.
const options = JSON.parse(params.get('options') ?? '{}') as FakeOptions
window.fake = createFakeBridge(options)
const root = document.getElementById('root')
if (root !== null) mount(window.fake, root)
