import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Page } from 'playwright'
import { until, within } from './desktop.ts'

const run = promisify(execFile)

/** Two seconds between keyframes at 25 frames a second, as programs that encode for the web do by default. */
const GOP = 50

/** As quickly as it can: nobody looks at how it is compressed. */
const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8']

/**
 * Makes a WebM video that no compression makes small, with its index at the end, by repeating a short clip.
 * @param sizeBytes how large about
 * @throws when ffmpeg is not installed or fails
 */
export async function makeVideo(file: string, sizeBytes: number): Promise<void> {
  const clip = `${file}.clip.webm`
  const noise = 'nullsrc=size=640x360:rate=25:duration=8,noise=alls=100:allf=t'
  const codec = [...VP8, '-g', String(GOP)]
  const rate = ['-b:v', '8M', '-minrate', '8M', '-maxrate', '8M']
  await run('ffmpeg', ['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', noise, ...codec, ...rate, clip])
  const copy = ['-stream_loop', '-1', '-i', clip, '-c', 'copy', '-fs', String(sizeBytes)]
  await run('ffmpeg', ['-loglevel', 'error', '-y', ...copy, file])
  await rm(clip)
}

/**
 * Makes a WebM video of the test picture, 320 × 180 at 25 frames a second.
 * @throws when ffmpeg is not installed or fails
 */
export async function makeShortVideo(file: string, seconds: number): Promise<void> {
  const picture = ['-f', 'lavfi', '-i', `testsrc=size=320x180:rate=25:duration=${String(seconds)}`]
  await run('ffmpeg', ['-loglevel', 'error', ...picture, ...VP8, '-b:v', '400k', file])
}

/** Plays the video the window shows from `atSec` on, without sound, and waits until it has come further. */
export async function playFrom(page: Page, atSec: number): Promise<void> {
  const player = page.locator('video')
  await player.waitFor()
  await within(
    'the video plays',
    player.evaluate(async (element: HTMLVideoElement, start) => {
      element.muted = true
      element.currentTime = start
      await element.play()
    }, atSec),
  )
  await until('the video plays on from where it was put', () =>
    player.evaluate(
      (element: HTMLVideoElement, start) => element.currentTime > start + 0.2 && element.videoWidth === 320,
      atSec,
    ),
  )
}

/**
 * Jumps to `fractions` of the length of the video the window shows, each `restMs` after the last has arrived.
 * @returns for each how long it took until a frame from there could be shown, in milliseconds
 */
export async function seekTo(page: Page, fractions: readonly number[], restMs = 0): Promise<number[]> {
  const player = page.locator('video')
  await player.waitFor()
  await within(
    'the video’s length is known',
    player.evaluate(async (element: HTMLVideoElement) => {
      element.muted = true
      if (element.readyState < 2)
        await new Promise((resolve) => element.addEventListener('loadeddata', resolve))
    }),
  )
  const timesMs: number[] = []
  for (const fraction of fractions) {
    timesMs.push(
      await within(
        `the video is at ${fraction.toFixed(3)} of its length`,
        player.evaluate(
          async (element: HTMLVideoElement, [place, rest]: readonly [number, number]) => {
            await new Promise((resolve) => setTimeout(resolve, rest))
            const sought = new Promise((resolve) =>
              element.addEventListener('seeked', resolve, { once: true }),
            )
            const startedAtMs = performance.now()
            element.currentTime = place * element.duration
            await sought
            while (element.readyState < 2) await new Promise((resolve) => setTimeout(resolve, 1))
            return performance.now() - startedAtMs
          },
          [fraction, restMs] as const,
        ),
      ),
    )
  }
  return timesMs
}
