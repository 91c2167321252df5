import type { Sluice } from '../sluice.ts'
import type { Output } from './output.ts'

/** Which server each store is, and why. */
export function sayStores(sluice: Sluice, out: Output): void {
  for (const { name, what, why } of sluice.stores) out.say(out.style('dim', `${name}: ${what} (${why})`))
}
