import { describe } from 'vitest'
import { executable, places } from './chromium.ts'

/** A suite that needs Chromium; without one it is skipped, and its title says why. */
export function describeInChromium(title: string, suite: () => void): void {
  if (executable === null) describe.skip(`${title} (skipped: no Chromium at ${places.join(', ')})`, suite)
  else describe(title, suite)
}
