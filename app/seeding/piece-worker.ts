import { hash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { PieceAnswer, PieceJob } from './piece-pool.ts'

/** Checks a piece and writes it if it holds. */
parentPort?.on('message', ({ id, bytes, sha1, fd, position }: PieceJob) => {
  let answer: PieceAnswer
  try {
    const isGood = hash('sha1', bytes) === sha1
    for (let done = 0; isGood && done < bytes.length;) {
      done += writeSync(fd, bytes, done, bytes.length - done, position + done)
    }
    answer = { id, isGood }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    answer = { id, isGood: false, errno: code === '' ? 'UNKNOWN' : code }
  }
  parentPort?.postMessage(answer)
})
