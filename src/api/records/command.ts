import type { RunRecord } from '../../runs/engine.ts'

/** A run as a command line that asks for the same. Pure. */
export function commandOf({
  operation,
  flow,
  slices,
  options,
}: Pick<RunRecord, 'operation' | 'flow' | 'slices' | 'options'>): string {
  const { force = false, strict = false, repair = false, from = null, to = null, step = null } = options
  const words = wordsOf(operation, flow)
  for (const slice of slices ?? []) words.push('--slice', slice)
  if (from !== null) words.push('--from', from)
  if (to !== null) words.push('--to', to)
  if (step !== null) words.push('--step', step)
  if (force) words.push('--force')
  if (operation === 'verify' && strict) words.push('--strict')
  if (operation === 'verify' && repair) words.push('--repair')
  return words.map(quoted).join(' ')
}

function wordsOf(operation: RunRecord['operation'], flow: string): string[] {
  switch (operation) {
    case 'apply':
      return ['sluice', 'run', flow]
    case 'plan':
      return ['sluice', 'run', flow, '--dry-run']
    case 'verify':
      return ['sluice', 'verify', flow]
    case 'ddl':
      return ['sluice', 'ddl', flow]
    case 'check':
      return ['sluice', 'doctor']
  }
}

/** As a POSIX shell reads it. */
function quoted(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
