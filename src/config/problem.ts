import { SluiceError } from '../lib/error.ts'
import { lineOf } from './locate.ts'

/** One fault of a config: `path` is the way to it, `['flows', 'teacher_data', 'every']`. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly fault: string
}

/** `flows.teacher_data.every`, `notify[0].on`, `flows["my flow"]`. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[\w$-]+$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(part)}]`
  }
  return text
}

/** All problems in one error: a person corrects them in one go. */
export function configInvalid(problems: readonly Problem[], file: string | null, source: string | null): SluiceError {
  const lines = problems.map(({ path, fault }) => {
    const line = source === null ? null : lineOf(source, path)
    const at = file === null || line === null ? '' : ` (${file}:${line})`
    return `${path.length === 0 ? 'the config' : formatPath(path)}: ${fault}${at}`
  })
  const first = problems[0]
  const line = first === undefined || source === null ? null : lineOf(source, first.path)
  const many = problems.length === 1 ? 'a fault' : `${problems.length} faults`
  return new SluiceError('CONFIG_INVALID', `The config has ${many}`, {
    why: lines.join('\n'),
    fix: 'correct what is named; every option is described in docs/reference/config.md',
    where: file === null ? {} : { file: line === null ? file : `${file}:${line}` },
  })
}
