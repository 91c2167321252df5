import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProject, type Project } from '../../test/support/project.ts'
import { fill, generate, type Source } from './generate.ts'

const flows = ['school_data', 'teacher_data', 'aggregated_data', 'filter_options'] as const
const tables: Readonly<Record<string, number>> = {
  api_school_data: 341,
  api_teacher_data: 21_255,
  api_aggregated_data: 5_055,
  api_filter_options: 363,
}

interface Verdict {
  readonly name: string
  readonly verdict: string
  readonly compared: number
  readonly missing: number
  readonly extra: number
  readonly changed: number
}

let project: Project
let source: Source

async function verdicts(exit: number, ...names: readonly string[]): Promise<readonly Verdict[]> {
  const { code, stdout, stderr } = await project.sluice(['verify', ...names, '--json'])
  expect(code, stderr).toBe(exit)
  return (JSON.parse(stdout) as { flows: readonly Verdict[] }).flows // the documented shape
}

beforeAll(async () => {
  project = await createProject('{}')
  for (const path of ['sluice.config.ts', ...flows.map((flow) => `sql/${flow}.sql`)]) {
    await project.write(path, await readFile(join(import.meta.dirname, path), 'utf8'))
  }
  source = generate()
  await fill(project.directory, source)
  const { code, stderr } = await project.sluice(['run', '--all'])
  expect(code, stderr).toBe(0)
}, 120_000)
afterAll(() => project[Symbol.asyncDispose]())

describe('the four tables of the schools team', { timeout: 60_000 }, () => {
  it('have the rows of the source', async () => {
    for (const [table, rows] of Object.entries(tables)) {
      const counted = await project.query<{ rows: number }>(`select count(*)::integer as rows from ${table}`)
      expect(counted, table).toEqual([{ rows }])
    }
  })

  it('have the types that the application declared', async () => {
    const columns = await project.query(
      `select column_name || ' ' || format_type(atttypid, atttypmod) as declared
         from information_schema.columns join pg_attribute on attrelid = 'api_teacher_data'::regclass and attname = column_name
        where table_name = 'api_teacher_data' order by ordinal_position`,
    )
    expect(columns.map((column) => column['declared'])).toEqual([
      'user_id integer',
      'teacher character varying(255)',
      'grade character varying(50)',
      'subject character varying(100)',
      'sector character varying(100)',
      'emis character varying(50)',
      'school character varying(255)',
      'week_start date',
      'week_end date',
      'week_number integer',
      'lp_ratio double precision',
    ])
  })

  it('keep names with quotes, accents and other scripts, and rows that are equal', async () => {
    const names = await project.query<{ teacher: string }>('select distinct teacher from api_teacher_data')
    const planned = new Set(source.weeks.filter(({ classes }) => classes !== 0).map(({ teacher }) => teacher))
    const expected = new Set(source.teachers.filter(({ id }) => planned.has(id)).map(({ name }) => name))
    expect(new Set(names.map(({ teacher }) => teacher))).toEqual(expected)
    const [repeated] = await project.query<{ rows: number }>(
      'select (count(*) - count(distinct t))::integer as rows from api_teacher_data as t',
    )
    expect(repeated?.rows).toBe(331)
  })

  it('have the ratio as that team reckons it, by school', async () => {
    const ratios = new Map<string, number[]>()
    const schoolOf = new Map(source.teachers.map(({ id, emis }) => [id, emis]))
    for (const { teacher, started, classes } of source.weeks) {
      const emis = schoolOf.get(teacher) ?? ''
      if (classes !== 0) ratios.set(emis, [...(ratios.get(emis) ?? []), Math.min(started / classes, 1) * 100])
    }
    const rows = await project.query<{ emis: string; avg_lp_ratio: number | null; teacher_count: number }>(
      'select emis, avg_lp_ratio, teacher_count from api_school_data',
    )
    for (const { emis, avg_lp_ratio: ratio, teacher_count: teachers } of rows) {
      const all = ratios.get(emis)
      if (all === undefined) expect([emis, ratio]).toEqual([emis, null])
      else expect(ratio).toBeCloseTo(all.reduce((sum, one) => sum + one, 0) / all.length, 4)
      expect(teachers).toBe(source.teachers.filter((teacher) => teacher.emis === emis).length)
    }
  })

  it('have weeks that begin on Sunday', async () => {
    const days = await project.query(
      `select distinct extract(dow from period)::integer as day from api_aggregated_data where period_type = 'weekly'`,
    )
    expect(days).toEqual([{ day: 0 }])
  })

  it('are the same as the source, and a difference is found', async () => {
    for (const flow of await verdicts(0)) {
      expect(flow, flow.name).toMatchObject({ verdict: 'identical', missing: 0, extra: 0, changed: 0 })
      expect(flow.compared).toBe(tables[`api_${flow.name}`])
    }
    await project.query(
      `delete from api_teacher_data where ctid = (select min(ctid) from api_teacher_data where teacher like '%''%')`,
    )
    expect(await verdicts(3, 'teacher_data')).toMatchObject([{ verdict: 'differs', missing: 1, extra: 0 }])
    expect(await project.sluice(['run', 'teacher_data', '--force'])).toMatchObject({ code: 0 })
    expect(await verdicts(0, 'teacher_data')).toMatchObject([{ verdict: 'identical' }])
  })

  it('are not emptied by a register that lost its schools', async () => {
    await fill(project.directory, { ...source, schools: source.schools.slice(0, 40) })
    expect(await project.sluice(['run', 'school_data'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GUARD'),
    })
    expect(await project.query('select count(*)::integer as rows from api_school_data')).toEqual([{ rows: 341 }])
    await fill(project.directory, source)
    expect(await project.sluice(['run', 'school_data'])).toMatchObject({ code: 0 })
  })
})
