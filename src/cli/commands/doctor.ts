import { Command } from 'commander'
import { asSluiceError } from '../../lib/error.ts'
import { type Finding, printFindings } from '../findings.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look at the stores and flows as they are, with cause and fix')
    .addHelpText(
      'after',
      `
Exits with 3 when it finds a problem.

Examples:
  $ sluice doctor
  $ sluice doctor --json`,
    )
    .action(act(doctor))
}

async function doctor(invocation: Invocation): Promise<ExitCode> {
  const found: Finding[] = [
    { severity: 'fine', about: 'node', says: `${process.versions.node} at ${process.execPath}`, fix: null },
  ]
  try {
    const sluice = await invocation.open()
    const looked = await sluice.doctor()
    // A store that was looked at has said which one it is.
    for (const { name, what, why } of sluice.stores) {
      if (!looked.some(({ about }) => about === name))
        found.push({ severity: 'fine', about: name, says: `${what} (${why})`, fix: null })
    }
    found.push(...looked)
  } catch (error) {
    const refused = asSluiceError(error)
    // Without a config there is nothing to look at: that is an error of the call, not a finding.
    if (refused.code.startsWith('CONFIG_') || refused.code === 'INTERNAL') throw error
    const about = refused.where.store ?? refused.where.flow ?? refused.code
    found.push({
      severity: 'problem',
      about,
      says: `${refused.code}: ${refused.summary}: ${refused.why}`,
      fix: refused.fix,
    })
  }
  printFindings(found, invocation.out)
  return found.some(({ severity }) => severity === 'problem') ? 3 : 0
}
