import type { Sluice } from '../sluice.ts'
import type { Output } from './output.ts'

export type Finding = Awaited<ReturnType<Sluice['doctor']>>[number]

const marks = { problem: ['red', 'problem'], warning: ['yellow', 'warning'], fine: ['green', 'fine'] } as const

/** One line each, with the fix beneath: what is wrong comes last, where it is read. */
export function printFindings(findings: readonly Finding[], out: Output): void {
  if (out.json) {
    out.document({ findings })
    return
  }
  const order = ['fine', 'warning', 'problem']
  const sorted = findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
  for (const { severity, about, says, fix } of sorted) {
    const [color, word] = marks[severity]
    out.text(`${out.style(color, word.padEnd(7))}  ${about}: ${says}`)
    if (fix !== null && severity !== 'fine') out.text(`         fix: ${fix}`)
  }
  const count = (severity: string): number => findings.filter((finding) => finding.severity === severity).length
  out.say(`${count('problem')} problems, ${count('warning')} warnings, ${count('fine')} fine`)
}
