/**
 * The same questions by hand, as one would write them with Fastify and `pg` alone: prepared statements, a pool, JSON as Fastify makes it.
 * Nobody is authenticated, nothing is validated, and no answer says how old it is. `node serve-bare.ts URL`; prints its address.
 */
import Fastify, { type FastifyRequest } from 'fastify'
import pg from 'pg'

const [connectionString = ''] = process.argv.slice(2)
// Dates as they are in the table: the driver's own would be local midnights.
pg.types.setTypeParser(1082, (text) => text)
const pool = new pg.Pool({ connectionString, max: 10 })
const app = Fastify()

type Asked = Readonly<Record<string, string | undefined>>

/** The conditions of a caller, and the filters that are given; `school`: what the table calls it. */
function where(
  asked: Asked,
  school: string,
  filters: readonly string[],
): { readonly text: string; readonly values: string[] } {
  const values: string[] = []
  const conditions: string[] = []
  const equal = (column: string, value: string): void => {
    values.push(value)
    conditions.push(`${column} = $${values.length}`)
  }
  if (asked['role'] === 'AEO') equal('sector', asked['sector'] ?? '')
  if (asked['role'] === 'Principal') equal(school, asked['school'] ?? '')
  for (const filter of filters) if (asked[filter] !== undefined) equal(filter, asked[filter])
  return { text: conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`, values }
}

const names = new Map<string, string>()

async function query(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
  const name = names.get(text) ?? `s${names.size}`
  names.set(text, name)
  return (await pool.query<Record<string, unknown>>({ name, text, values: [...values] })).rows
}

const askedOf = (request: FastifyRequest): Asked => request.query as Asked // the bench asks each parameter once

app.get('/teacher-data', async (request) => {
  const { text, values } = where(askedOf(request), 'school', ['grade', 'subject'])
  return query(
    `select user_id, teacher, grade, subject, sector, emis, school, week_start, week_end, week_number, lp_ratio
     from api_teacher_data ${text} order by school, teacher, week_start desc nulls last`,
    values,
  )
})

app.get('/aggregated-data', async (request) => {
  const asked = askedOf(request)
  const values = [asked['period'] ?? 'weekly', asked['grade'] ?? null, asked['subject'] ?? null]
  const seen = where(asked, 'school', [])
  const shifted = seen.text.replaceAll(/\$(\d)/g, (_all, n: string) => `$${Number(n) + 3}`)
  return query(
    `select school, sector, period, teacher_count, avg_lp_ratio from (
       select school, sector, period, teacher_count, avg_lp_ratio from api_aggregated_data
       where period_type = $1::text and $2::text is null and $3::text is null
       union all
       select school, sector, week.period, count(distinct user_id)::integer, round(avg(lp_ratio)::numeric, 6)::float8
       from api_teacher_data cross join lateral (
         select case $1::text when 'monthly' then date_trunc('month', week_start)::date
           else week_start - extract(dow from week_start)::integer end as period) as week
       where ($2::text is not null or $3::text is not null)
         and ($2::text is null or grade = $2::text) and ($3::text is null or subject = $3::text)
       group by school, sector, week.period
     ) as rows ${shifted} order by period desc nulls last, school, sector`,
    [...values, ...seen.values],
  )
})

app.get('/filter-options', async (request) => {
  const { text, values } = where(askedOf(request), 'school', [])
  const list = (column: string, name: string): string =>
    `array(select v from (select distinct ${column} as v from rows where ${column} is not null) as d order by v) as ${name}`
  const [row] = await query(
    `with rows as (select school, sector, grade, subject, period from (
       select school_name as school, sector, null as grade, null as subject, null as period from api_school_data
       union all select distinct school, sector, grade, subject, null from api_teacher_data
       union all select distinct school, sector, null, null, period_type from api_aggregated_data) as offered ${text})
     select ${list('school', 'schools')}, ${list('sector', 'sectors')}, ${list('grade', 'grades')},
       ${list('subject', 'subjects')}, ${list('period', 'periods')}`,
    values,
  )
  return row
})

app.get('/summary-stats', async (request) => {
  const { text, values } = where(askedOf(request), 'school', ['grade', 'subject'])
  const [row] = await query(
    `select count(distinct user_id)::integer as total_teachers, count(distinct school)::integer as total_schools,
       count(distinct sector)::integer as total_sectors, avg(lp_ratio) as overall_avg_lp_ratio from api_teacher_data ${text}`,
    values,
  )
  return row
})

app.get('/all-schools', async (request) => {
  const { text, values } = where(askedOf(request), 'school_name', ['sector'])
  return query(
    `select school_name, sector, emis, teacher_count, avg_lp_ratio from api_school_data ${text} order by school_name, emis`,
    values,
  )
})

const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ address })}\n`)
process.stdin.resume().once('end', () => {
  void app.close().then(async () => {
    await pool.end()
    process.exit(0)
  })
})
