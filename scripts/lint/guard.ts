/**
 * Guards the lint: in a copy of the tree it plants one fault of each kind and expects the linter to find exactly these, so that a
 * rule that quietly stopped working turns the build red. The tree itself is never touched.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { homeOf } from './import-table.ts'
import { importMatrix, otherFaults, plantedTargets, type Planted } from './planted.ts'

const root = join(import.meta.dirname, '..', '..')
const vague = /(^|\/)(utils?|common|helpers?|misc|managers?)(\/|\.ts$)/i

interface Diagnostic {
  readonly code: string
  readonly filename: string
  readonly labels: readonly { readonly span: { readonly line: number } }[]
}
interface Report {
  readonly diagnostics: readonly Diagnostic[]
  readonly number_of_files: number
}

function lint(folder: string): { readonly report: Report; readonly status: number | null } {
  const done = spawnSync('oxlint', ['-f', 'json', 'src', 'examples'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (done.error !== undefined) throw done.error
  // oxlint documents this shape; what is missing from it fails below as "not found".
  return { report: JSON.parse(done.stdout) as Report, status: done.status }
}

/** What the linter should have said and did not, and what it said without cause. */
function compare(planted: readonly Planted[], report: Report): readonly string[] {
  const found = new Map<string, Set<string>>()
  for (const { code, filename, labels } of report.diagnostics) {
    for (const { span } of labels.length > 0 ? labels : [{ span: { line: 0 } }]) {
      const at = `${normalize(filename)}:${span.line}`
      found.set(at, (found.get(at) ?? new Set()).add(code))
    }
  }
  return planted.flatMap(({ file, text, expect }) =>
    text.split('\n').flatMap((line, index) => {
      const codes = found.get(`${file}:${index + 1}`) ?? new Set()
      const rule = expect.get(index + 1)
      if (rule !== undefined) return codes.has(rule) ? [] : [`${file}:${index + 1}: ${rule} did not find: ${line}`]
      return codes.has('eslint(no-restricted-imports)')
        ? [`${file}:${index + 1}: found fault with what the table allows: ${line}`]
        : []
    }),
  )
}

/** Files that no line of the table covers, or whose name says nothing. */
function strays(): readonly string[] {
  const files = globSync('**/*.ts', { cwd: join(root, 'src') }).map((file) => file.replaceAll('\\', '/'))
  if (files.length === 0) return ['no file of src was looked at']
  return files.flatMap((file) => [
    ...(homeOf(file) === undefined ? [`src/${file}: no line of the import table covers it`] : []),
    ...(vague.test(file) ? [`src/${file}: a name that says nothing`] : []),
  ])
}

function plant(folder: string): readonly Planted[] {
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json', 'scripts', 'src']) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
  const planted = [...importMatrix(), ...otherFaults()]
  for (const { file, text } of planted) write(folder, file, text, true)
  for (const { file, text } of plantedTargets()) write(folder, normalize(file), text, false)
  return planted
}

function write(folder: string, file: string, text: string, over: boolean): void {
  const path = join(folder, file)
  if (!over && existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-lint-'))
try {
  const planted = plant(folder)
  const { report, status } = lint(folder)
  const wrong = [...strays(), ...compare(planted, report)]
  if (status === 0) wrong.push('the linter exited 0 although faults were planted')
  if (report.number_of_files < planted.length) wrong.push(`the linter scanned ${report.number_of_files} files only`)
  const faults = planted.reduce((sum, { expect }) => sum + expect.size, 0)
  const lines = planted.reduce((sum, { text }) => sum + text.split('\n').length, 0)
  for (const line of wrong.slice(0, 40)) console.error(line)
  if (wrong.length > 40) console.error(`… and ${wrong.length - 40} more`)
  if (wrong.length > 0) process.exitCode = 1
  else
    console.log(
      `${faults} planted faults found, ${lines - faults} allowed lines left alone, ${report.number_of_files} files scanned`,
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
