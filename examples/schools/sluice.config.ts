import { defineConfig, endpoint, env, file, sync } from 'sluice'

/** Every two hours, as the team's cron did; the warehouse itself is rebuilt every night. */
const timing = { every: '2h', late: '30m', sourceEvery: '1d' } as const
const guard = { minRows: 1, maxShrink: 0.5 } as const

/** The federal directorate sees everything, an area officer its sector, a principal its school; anybody else nothing. */
const seenBy = (school: string) => ({
  by: 'role',
  when: { FDE: 'all' as const, AEO: { sector: 'sector' }, Principal: { [school]: 'school' } },
})

export default defineConfig({
  project: 'schools',
  database: env('DATABASE_URL', { or: 'embedded' }),
  params: { dataset: 'tbproddb' },
  flows: {
    school_data: sync({
      from: { file: file('sql/school_data.sql') },
      to: 'api_school_data',
      key: ['emis'],
      columns: {
        school_name: { type: 'varchar(255)' },
        sector: { type: 'varchar(100)' },
        emis: { type: 'varchar(50)' },
        teacher_count: { type: 'integer' },
      },
      guard: { minRows: 300, maxShrink: 0.1 },
      ...timing,
    }),
    // No key: the source has equal rows, and they count. Compared and published as a multiset.
    teacher_data: sync({
      from: { file: file('sql/teacher_data.sql') },
      to: 'api_teacher_data',
      columns: {
        teacher: { type: 'varchar(255)' },
        grade: { type: 'varchar(50)' },
        subject: { type: 'varchar(100)' },
        sector: { type: 'varchar(100)' },
        emis: { type: 'varchar(50)' },
        school: { type: 'varchar(255)' },
        week_number: { type: 'integer' },
      },
      guard,
      after: ['school_data'],
      ...timing,
    }),
    aggregated_data: sync({
      from: { file: file('sql/aggregated_data.sql') },
      to: 'api_aggregated_data',
      key: ['school', 'sector', 'period', 'period_type'],
      columns: {
        school: { type: 'varchar(255)' },
        sector: { type: 'varchar(100)' },
        teacher_count: { type: 'integer' },
        period_type: { type: 'varchar(10)' },
      },
      guard,
      after: ['school_data'],
      ...timing,
    }),
    filter_options: sync({
      from: { file: file('sql/filter_options.sql') },
      to: 'api_filter_options',
      key: ['option_type', 'option_value'],
      columns: { option_type: { type: 'varchar(50)' }, option_value: { type: 'varchar(255)' } },
      guard,
      after: ['school_data'],
      ...timing,
    }),
  },
  endpoints: {
    'teacher-data': endpoint({
      summary: 'One row a teacher, class and week',
      table: 'api_teacher_data',
      path: '/api/teacher-data',
      filter: ['grade', 'subject', 'sector'],
      sort: ['school', 'teacher', '-week_start'],
      scope: seenBy('school'),
      shape: 'list',
    }),
    'aggregated-data': endpoint({
      summary: 'Teachers and lesson-plan ratio of each school, by week or month',
      query: file('sql/aggregated_by_class.sql'),
      key: ['school', 'sector', 'period'],
      flows: ['aggregated_data', 'teacher_data'],
      path: '/api/aggregated-data',
      params: {
        period: { values: ['weekly', 'monthly'], default: 'weekly' },
        grade: {},
        subject: {},
      },
      filter: ['sector'],
      sort: ['-period', 'school'],
      scope: seenBy('school'),
      shape: 'list',
    }),
    'filter-options': endpoint({
      summary: 'What the filters offer to the caller',
      query: file('sql/offered.sql'),
      flows: ['aggregated_data', 'school_data', 'teacher_data'],
      path: '/api/filter-options',
      distinct: { schools: 'school', sectors: 'sector', grades: 'grade', subjects: 'subject', periods: 'period' },
      scope: seenBy('school'),
    }),
    'summary-stats': endpoint({
      summary: 'Totals of what the caller may see',
      table: 'api_teacher_data',
      path: '/api/summary-stats',
      filter: ['grade', 'subject', 'sector'],
      aggregate: {
        total_teachers: { distinct: 'user_id' },
        total_schools: { distinct: 'school' },
        total_sectors: { distinct: 'sector' },
        overall_avg_lp_ratio: { avg: 'lp_ratio' },
      },
      scope: seenBy('school'),
    }),
    'all-schools': endpoint({
      summary: 'The schools by name',
      table: 'api_school_data',
      path: '/api/all-schools',
      filter: ['sector'],
      sort: ['school_name'],
      scope: seenBy('school_name'),
      shape: 'list',
    }),
  },
})
