import { Server } from 'bittorrent-tracker'

// A tracker over HTTP in a process of its own. Argument: the address to listen on.
const [host = '127.0.0.1'] = process.argv.slice(2)
const server = new Server({ udp: false, http: true, ws: false, stats: false, interval: 5_000 })
server.on('error', (error: Error) => process.stderr.write(`${error.message}\n`))
server.listen(0, { http: host, udp: host, udp6: '::1' }, () => {
  const address = server.http.address()
  process.stdout.write(`listening ${typeof address === 'object' ? (address?.port ?? 0) : 0}\n`)
})
