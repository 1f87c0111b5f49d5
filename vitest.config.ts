import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const minute = 60_000
/** Tests with other programs and real networks get a second try where nobody is there to look; Vitest says which needed it. */
const retry = process.env['CI'] === undefined ? 0 : 1

/** One Vitest project per kind of test, each a folder under `test/`. */
export default defineConfig({
  test: {
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      project('unit', { testTimeout: 20_000 }),
      // They wait for processes, sockets and timers more than they compute.
      project('integration', {
        testTimeout: 2 * minute,
        hookTimeout: minute,
        maxWorkers: Math.max(4, availableParallelism()),
        retry,
      }),
      project('interop', { testTimeout: 2 * minute, hookTimeout: minute, retry }),
      project('faults', { testTimeout: 10 * minute, hookTimeout: minute }),
      project('e2e', { testTimeout: 2 * minute, hookTimeout: minute, fileParallelism: false }),
    ],
  },
})

/**
 * @param name folder under `test/`
 * @param options what differs from Vitest's defaults
 */
function project(
  name: string,
  options: {
    testTimeout: number
    hookTimeout?: number
    fileParallelism?: boolean
    maxWorkers?: number
    retry?: number
  },
) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.{ts,tsx}`],
      environment: 'node' as const,
      pool: 'forks' as const,
      restoreMocks: true,
      unstubEnvs: true,
      ...options,
    },
  }
}
