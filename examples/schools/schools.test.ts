import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSluice } from 'sluice'
import { createProject, type Project } from '../../test/support/project.ts'
import { fill, generate, type Source } from './generate.ts'

const flows = ['school_data', 'teacher_data', 'aggregated_data', 'filter_options'] as const
const sqlFiles = [...flows, 'aggregated_by_class', 'offered'] as const
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
  for (const path of ['sluice.config.ts', ...sqlFiles.map((name) => `sql/${name}.sql`)]) {
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

/** By code units, as the lists beside it are sorted. */
const byText = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0)

type Row = Readonly<Record<string, string | number | null>>

/** What the rows of the source come to, reckoned here from the generated lists, as that team's front end expects it. */
function expectedRows(of: Source): readonly (Row & { readonly week_start: string; readonly lp_ratio: number })[] {
  const schools = new Map(of.schools.map((school) => [school.emis, school]))
  const teachers = new Map(of.teachers.map((teacher) => [teacher.id, teacher]))
  const day = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10)
  return of.weeks.flatMap(({ teacher: id, started, classes, start, end, grade, subject }) => {
    const teacher = teachers.get(id)
    const school = schools.get(teacher?.emis ?? '')
    if (classes === 0 || teacher === undefined || school === undefined) return []
    const lp = Math.min(started / classes, 1) * 100
    return [
      {
        user_id: id,
        teacher: teacher.name,
        grade,
        subject,
        sector: school.sector,
        emis: school.emis,
        school: school.institute,
        week_start: day(start),
        week_end: day(end),
        lp_ratio: lp,
      },
    ]
  })
}

describe('the endpoints of the schools team', { timeout: 60_000 }, () => {
  const everything = { role: 'FDE' }
  const read = async (
    name: string,
    query: Readonly<Record<string, string>>,
    claims: Readonly<Record<string, string>>,
  ) => {
    await using sluice = await openSluice({
      directory: project.directory,
      config: join(project.directory, 'sluice.config.ts'),
    })
    const answer = await sluice.endpoints.read(name, query, { claims })
    if (answer.status !== 200) throw new Error('rows were due')
    expect(answer.asOf).toBeInstanceOf(Date)
    if (typeof answer.body === 'string') return JSON.parse(answer.body) as unknown
    if (answer.body instanceof Uint8Array) return JSON.parse(Buffer.from(answer.body).toString()) as unknown
    const parts: Uint8Array[] = []
    for await (const part of answer.body) parts.push(part)
    return JSON.parse(Buffer.concat(parts).toString()) as unknown
  }
  const text = (row: Row): string =>
    JSON.stringify([
      row['school'],
      row['teacher'],
      row['week_start'],
      row['user_id'],
      row['grade'],
      row['subject'],
      row['emis'],
      row['sector'],
      row['week_end'],
      Number(row['lp_ratio']).toFixed(6),
    ])
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length
  let rows: ReturnType<typeof expectedRows>
  beforeAll(() => {
    process.env['DATABASE_URL'] = project.url
    rows = expectedRows(source)
    return () => void delete process.env['DATABASE_URL']
  })

  it('teacher-data: the rows of the source, newest week first, inside the scope', async () => {
    const all = (await read('teacher-data', {}, everything)) as readonly Row[]
    expect(all.map(text).sort()).toEqual(rows.map(text).sort())
    for (const [at, row] of all.entries()) {
      const before = all[at - 1]
      if (before !== undefined && before['school'] === row['school'] && before['teacher'] === row['teacher'])
        expect(String(before['week_start']) >= String(row['week_start'])).toBe(true)
    }
    const sector = (await read(
      'teacher-data',
      { grade: 'Grade 1', subject: 'Urdu' },
      { role: 'AEO', sector: 'Nilore' },
    )) as readonly Row[]
    expect(sector.map(text).sort()).toEqual(
      rows
        .filter((row) => row['sector'] === 'Nilore' && row['grade'] === 'Grade 1' && row['subject'] === 'Urdu')
        .map(text)
        .sort(),
    )
    expect(sector.length).toBeGreaterThan(0)
    for (const nobody of [
      {},
      { role: 'AEO' },
      { role: 'Teacher', sector: 'Nilore' },
      { role: 'Principal', sector: 'Nilore' },
    ])
      expect(await read('teacher-data', { sector: 'Nilore' }, nobody as Readonly<Record<string, string>>)).toEqual([])
  })

  it('aggregated-data: with a grade the figures are of that grade, without one they are the table', async () => {
    // The table's means are rounded to six digits.
    type Figures = Readonly<Record<string, readonly number[]>>
    const of = (entries: readonly (readonly [string, readonly number[]])[]): Figures => Object.fromEntries(entries)
    const close = (expected: Figures): object =>
      Object.fromEntries(
        Object.entries(expected).map(([key, values]) => [key, values.map((one) => expect.closeTo(one, 5))]),
      )
    const figures = (
      given: readonly (Row & { readonly lp_ratio: number; readonly week_start: string })[],
      monthly: boolean,
    ): Figures => {
      const groups = new Map<string, typeof given>()
      for (const row of given) {
        const start = new Date(row.week_start)
        const sunday = new Date(start.getTime() - start.getUTCDay() * 86_400_000).toISOString().slice(0, 10)
        const key = JSON.stringify([
          row['school'],
          row['sector'],
          monthly ? `${row.week_start.slice(0, 7)}-01` : sunday,
        ])
        groups.set(key, [...(groups.get(key) ?? []), row])
      }
      return of(
        [...groups].map(([key, all]) => [
          key,
          [new Set(all.map((row) => row['user_id'])).size, mean(all.map((row) => row.lp_ratio))],
        ]),
      )
    }
    const asked = async (query: Readonly<Record<string, string>>): Promise<Figures> => {
      const found = (await read('aggregated-data', query, everything)) as readonly Row[]
      expect(found.map((row) => String(row['period']))).toEqual(
        found
          .map((row) => String(row['period']))
          .sort()
          .reverse(),
      )
      return of(
        found.map((row) => [
          JSON.stringify([row['school'], row['sector'], row['period']]),
          [Number(row['teacher_count']), Number(row['avg_lp_ratio'])],
        ]),
      )
    }
    expect(await asked({})).toEqual(close(figures(rows, false)))
    expect(await asked({ period: 'monthly' })).toEqual(close(figures(rows, true)))
    const first = rows.filter((row) => row['grade'] === 'Grade 1')
    expect(await asked({ grade: 'Grade 1' })).toEqual(close(figures(first, false)))
    expect(await asked({ grade: 'Grade 1', subject: 'Urdu', period: 'monthly', sector: 'Nilore' })).toEqual(
      close(
        figures(
          first.filter((row) => row['subject'] === 'Urdu' && row['sector'] === 'Nilore'),
          true,
        ),
      ),
    )
    await expect(read('aggregated-data', { period: 'yearly' }, everything)).rejects.toMatchObject({
      code: 'FILTER_INVALID',
    })
  })

  it('filter-options, summary-stats, all-schools: of what the caller may see', async () => {
    const different = (of: readonly Row[], column: string): readonly unknown[] =>
      [...new Set(of.map((row) => row[column]))].sort(byText)
    for (const [claims, seen, schools] of [
      [everything, rows, source.schools],
      [
        { role: 'AEO', sector: 'Nilore' },
        rows.filter((row) => row['sector'] === 'Nilore'),
        source.schools.filter(({ sector }) => sector === 'Nilore'),
      ],
      [
        { role: 'Principal', school: source.schools[4]?.institute ?? '' },
        rows.filter((row) => row['school'] === source.schools[4]?.institute),
        source.schools.slice(4, 5),
      ],
      [{ role: 'Principal' }, [], []],
    ] as const) {
      const options = (await read('filter-options', {}, claims)) as Readonly<Record<string, readonly string[]>>
      expect(options).toEqual({
        schools: expect.any(Array),
        sectors: [...new Set(schools.map(({ sector }) => sector))].sort(),
        grades: different(seen, 'grade'),
        subjects: different(seen, 'subject'),
        periods: seen.length === 0 ? [] : ['monthly', 'weekly'],
      })
      expect(new Set(options['schools'])).toEqual(new Set(schools.map(({ institute }) => institute)))
      expect(await read('summary-stats', {}, claims)).toEqual({
        total_teachers: different(seen, 'user_id').length,
        total_schools: different(seen, 'school').length,
        total_sectors: different(seen, 'sector').length,
        overall_avg_lp_ratio: seen.length === 0 ? null : expect.closeTo(mean(seen.map((row) => row.lp_ratio)), 6),
      })
      const listed = (await read('all-schools', {}, claims)) as readonly Row[]
      expect(listed.map((row) => row['emis']).sort(byText)).toEqual(schools.map(({ emis }) => emis).sort())
      expect(Object.keys(listed[0] ?? {})).toEqual(
        listed.length === 0 ? [] : ['school_name', 'sector', 'emis', 'teacher_count', 'avg_lp_ratio'],
      )
    }
  })
})
