/** Closes a test run with one plain line, `N passed, N failed, N skipped`, which people read and `.ci/run` adds up. */
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** A file that does not load, and an error outside any test, count as one failure each: neither may hide in a good total. */
export function tally(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Tally {
  const count = { passed: 0, failed: unhandled.length, skipped: 0 }
  for (const module of modules) {
    count.failed += module.errors().length
    for (const suite of module.children.allSuites()) count.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      // "pending": the run ended before this test did.
      count[state === 'pending' ? 'failed' : state] += 1
    }
  }
  return count
}

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const { passed, failed, skipped } = tally(modules, unhandled)
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  }
}
