import { Command } from 'commander'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { versionOf } from '../version.ts'

export function versionCommand(): Command {
  return new Command('version')
    .description('the versions of Sluice and of this Node')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice version
  $ sluice version --json`,
    )
    .action(act(version))
}

function version({ out }: Invocation): Promise<ExitCode> {
  const versions = { sluice: versionOf(), node: process.versions.node, platform: `${process.platform} ${process.arch}` }
  if (out.json) out.document(versions)
  else out.text(`sluice ${versions.sluice}, Node ${versions.node}, ${versions.platform}`)
  return Promise.resolve(0)
}
