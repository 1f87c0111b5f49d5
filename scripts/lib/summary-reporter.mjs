import fs from 'node:fs'

/**
 * @typedef {{ passed: number, failed: number, skipped: number, notes: string[] }} Summary
 *   tests by how they ended (what fails before or after all tests of a file counts as one that failed), and a line about each that
 *   failed or needed another try, and about each error outside every test
 */

/**
 * A Vitest reporter that writes a {@link Summary} as JSON into the file named by `SOWER_TEST_SUMMARY`: Vitest's own
 * JSON report knows neither of second tries nor of errors outside tests.
 */
export default class SummaryReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {Summary} */
    const summary = { passed: 0, failed: 0, skipped: 0, notes: [] }
    for (const module of modules) {
      // A file that cannot be loaded, and what is done before and after all of its tests.
      for (const error of [module, ...module.children.allSuites()].flatMap((suite) => suite.errors())) {
        summary.failed += 1
        summary.notes.push(`failed: ${module.relativeModuleId}: ${firstLine(error)}`)
      }
      for (const test of module.children.allTests()) count(test, module.relativeModuleId, summary)
    }
    for (const error of unhandledErrors) summary.notes.push(`outside every test: ${whole(error)}`)
    const file = process.env['SOWER_TEST_SUMMARY']
    if (file !== undefined) fs.writeFileSync(file, JSON.stringify(summary))
  }
}

/**
 * @param {import('vitest/node').TestCase} test
 * @param {string} file
 * @param {Summary} summary changed
 */
function count(test, file, summary) {
  const { state, errors } = test.result()
  const name = `${file} > ${test.fullName}`
  if (state === 'passed') {
    summary.passed += 1
    const retries = test.diagnostic()?.retryCount ?? 0
    if (retries > 0)
      summary.notes.push(`passed at try ${String(retries + 1)}: ${name}: ${firstLine(errors?.[0])}`)
  } else if (state === 'failed') {
    summary.failed += 1
    summary.notes.push(`failed: ${name}: ${firstLine(errors[0])}`)
  } else {
    // A test still pending was never begun, because the run was ended.
    summary.skipped += 1
  }
}

/** @param {import('vitest').SerializedError | undefined} error */
function firstLine(error) {
  return error?.message?.split('\n')[0] ?? 'no message'
}

/** @param {import('vitest').SerializedError} error */
function whole(error) {
  const file = error['VITEST_TEST_PATH']
  return `${error.stack ?? error.message}${typeof file === 'string' ? ` (while ${file} ran)` : ''}`
}
