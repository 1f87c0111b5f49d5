import { chooseBridge } from './bridge/choose-bridge.ts'
import { mount } from './mount.tsx'
import { pseudoCatalogue } from './strings/pseudo.ts'
import { chooseCatalogue } from './strings/t.ts'
import { en } from './strings/en.ts'

if (new URLSearchParams(window.location.search).get('locale') === 'pseudo') {
  chooseCatalogue(pseudoCatalogue(en), 'en')
}
const root = document.getElementById('root')
if (root !== null) mount(chooseBridge(window), root)
