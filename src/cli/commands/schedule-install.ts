import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { SluiceError } from '../../lib/error.ts'
import { cronLines, minuteStep, withLines } from '../crontab.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { systemdUnit, unitMark, unitName } from '../systemd.ts'

interface InstallOptions {
  readonly print?: boolean
  readonly remove?: boolean
  readonly dryRun?: boolean
}

export function installCommand(): Command {
  const install = new Command('install').description("let the system's own scheduler run the flows").addHelpText(
    'after',
    `
Examples:
  $ sluice schedule install cron --print
  $ sluice schedule install systemd`,
  )
  const both = (command: Command): Command =>
    command
      .option('--print', 'print what would be installed, and do nothing')
      .option('--remove', 'take away what was installed')
      .option('-n, --dry-run', 'say what would change, and do nothing')
  both(install.command('cron'))
    .description('a marked block in your crontab, which does what is due and ends')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice schedule install cron
  $ sluice schedule install cron --remove`,
    )
    .action(act(cron))
  both(install.command('systemd'))
    .description('a service of your user that keeps `sluice up` running')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice schedule install systemd
  $ sluice schedule install systemd --print`,
    )
    .action(act(systemd))
  return install
}

async function cron(invocation: Invocation, options: InstallOptions): Promise<ExitCode> {
  const { out } = invocation
  const loaded = await load(invocation)
  const schedules = loaded.flows.flatMap(({ flow }) => (flow.timing.schedule === null ? [] : [flow.timing.schedule]))
  if (schedules.length === 0 && options.remove !== true) {
    throw new SluiceError('USAGE', 'There is nothing to schedule', {
      why: 'no flow of the config has `every` or `cron`',
      fix: 'give a flow a schedule, or run it by hand',
    })
  }
  const lines =
    options.remove === true
      ? []
      : cronLines({
          project: loaded.project,
          directory: loaded.directory,
          step: minuteStep(schedules, new Date()),
          command: [...self(), ...named(invocation), 'up', '--due', '--quiet'],
          log: join(loaded.directory, '.sluice', 'cron.log'),
        })
  if (options.print === true) {
    if (out.json) out.document({ lines })
    else out.text(lines.join('\n'))
    return 0
  }
  const before = await readCrontab()
  const after = withLines(before, loaded.project, lines)
  const changed = before !== after
  if (changed && options.dryRun !== true) {
    mkdirSync(join(loaded.directory, '.sluice'), { recursive: true })
    await writeCrontab(after)
  }
  const did = options.dryRun === true ? 'would be' : 'are'
  if (out.json) out.document({ changed, installed: options.dryRun !== true, lines })
  else if (!changed) out.text('The crontab is as it should be.')
  else
    out.text(
      options.remove === true
        ? `The lines of ${loaded.project} ${did} removed.`
        : `These lines ${did} in your crontab:\n${lines.join('\n')}`,
    )
  return 0
}

async function systemd(invocation: Invocation, options: InstallOptions): Promise<ExitCode> {
  const { out } = invocation
  const loaded = await load(invocation)
  const text = systemdUnit({
    project: loaded.project,
    directory: loaded.directory,
    command: [...self(), ...named(invocation), 'up', '--quiet'],
  })
  if (options.print === true) {
    if (out.json) out.document({ unit: text })
    else out.text(text)
    return 0
  }
  const name = unitName(loaded.project)
  const home = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  const path = join(home, 'systemd', 'user', name)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null
  if (before !== null && !before.startsWith(unitMark)) {
    throw new SluiceError('USAGE', `${path} is not Sluice's`, {
      why: 'a file of that name exists and was not written by `sluice schedule install`',
      fix: 'rename it, or give this project another `project` in the config',
      where: { file: path },
    })
  }
  const changed = options.remove === true ? before !== null : before !== text
  if (changed && options.dryRun !== true) {
    if (options.remove === true) rmSync(path)
    else {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
  }
  const next =
    options.remove === true
      ? [`systemctl --user disable --now ${name}`, 'systemctl --user daemon-reload']
      : ['systemctl --user daemon-reload', `systemctl --user enable --now ${name}`, 'loginctl enable-linger']
  if (out.json) out.document({ changed, installed: options.dryRun !== true, path, next })
  else {
    const did = options.dryRun === true ? 'would be ' : ''
    out.text(
      changed ? `${path} ${did}${options.remove === true ? 'removed' : 'written'}.` : `${path} is as it should be.`,
    )
    out.say(['Next:', ...next.map((line) => `  ${line}`)].join('\n'))
  }
  return 0
}

function load({ directory, global }: Invocation): Promise<LoadedConfig> {
  return loadConfig({ directory, ...(global.config === undefined ? {} : { config: global.config }) })
}

/** This Node and this launcher, by their full paths: cron has no PATH to speak of. */
function self(): readonly string[] {
  return [process.execPath, process.argv[1] ?? 'sluice']
}

function named({ global }: Invocation): readonly string[] {
  return global.config === undefined ? [] : ['--config', global.config]
}

/** The user's crontab; an empty one where there is none yet. */
async function readCrontab(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('crontab', ['-l'])
    return stdout
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string | number; readonly stderr?: string } // what execFile rejects with
    if (code === 1 && /no crontab/i.test(stderr ?? '')) return ''
    throw crontabFailed(code, stderr ?? String(error))
  }
}

async function writeCrontab(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn('crontab', ['-'], { stdio: ['pipe', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part))
    child.stdin.on('error', () => undefined)
    child.on('error', (error: NodeJS.ErrnoException) => reject(crontabFailed(error.code, error.message)))
    child.on('close', (code) => (code === 0 ? resolve() : reject(crontabFailed(code ?? 1, said))))
    child.stdin.end(text)
  })
}

function crontabFailed(code: string | number | undefined, said: string): SluiceError {
  return new SluiceError('COMMAND_FAILED', 'The crontab could not be read or written', {
    why: code === 'ENOENT' ? 'there is no program `crontab` on this machine' : said.trim(),
    fix: 'install cron, or use `sluice schedule install systemd`, or keep `sluice up` running',
  })
}
