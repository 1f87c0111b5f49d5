import { join } from 'node:path'
import { expect, test } from 'vitest'
import { magnetURI } from '../../app/seeding/index.ts'
import { downloadWithAria2 } from '../support/aria2.ts'
import { makeSample, sha256Of } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'

for (const by of ['torrent file', 'magnet link'] as const) {
  test(`aria2 downloads a seed by its ${by}`, async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    await using sower = await startSwarm({ trackers: [tracker.udp, tracker.http] })
    const sample = await makeSample({ dir: dir.path, sizeBytes: 3_000_001, trackers: [tracker.http] })
    sower.seed(sample)
    await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
    const magnet = magnetURI({ ...sample, trackers: [tracker.http] })
    const got = dir.file('got')
    await downloadWithAria2(by === 'torrent file' ? sample.metainfoPath : magnet, got)
    expect(await sha256Of(join(got, sample.name))).toBe(sample.mediaId)
  })
}
