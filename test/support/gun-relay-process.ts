import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Gun from 'gun'

// A relay as the gun package itself makes it (its own server, its own sockets and disk), in a process of its own.
// Arguments: the folder for its files, a port (0 = any), and the address to listen on.
const [file = 'radata', port = '0', host = '127.0.0.1'] = process.argv.slice(2)
const web = createServer((_, response) => response.end('relay'))
web.listen(Number(port), host, () => {
  // The package's own types know neither `web` nor these switches.
  const options = { web, file, multicast: false, stats: false, axe: process.env['RELAY_AXE'] === 'on' }
  new (Gun as unknown as new (given: object) => unknown)(options)
  // A TCP server's address is never a string.
  process.stdout.write(`listening ${(web.address() as AddressInfo).port}\n`)
})
