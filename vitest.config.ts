import { defineConfig } from 'vitest/config'

const minute = 60_000

/** One Vitest project per kind of test, each a folder under `test/`. */
export default defineConfig({
  test: {
    projects: [
      project('unit', { testTimeout: 10_000 }),
      project('integration', { testTimeout: minute, hookTimeout: minute }),
      project('interop', { testTimeout: 2 * minute, hookTimeout: minute, fileParallelism: false }),
      project('faults', { testTimeout: 10 * minute, hookTimeout: minute, fileParallelism: false }),
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
  options: { testTimeout: number; hookTimeout?: number; fileParallelism?: boolean },
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
