import { Cron } from 'croner'

/** What is wrong with a cron pattern or its zone, or null. Pure. */
export function scheduleFault(pattern: string, zone: string): { readonly path: string; readonly fault: string } | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    return { path: 'zone', fault: `"${zone}" is no time zone; write one as Europe/Berlin or UTC` }
  }
  // croner takes a date, too, and then fires once: that is no schedule.
  if (/^\d{4}-/.test(pattern)) return { path: 'cron', fault: `"${pattern}" is a date, not a cron pattern` }
  try {
    const due = new Cron(pattern, { timezone: zone, paused: true }).nextRun()
    return due === null ? { path: 'cron', fault: `"${pattern}" is never due` } : null
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { path: 'cron', fault: `"${pattern}": ${message.replace(/^Cron\w+: /, '')}` }
  }
}
