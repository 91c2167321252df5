import { defineConfig, env, file, sync } from 'sluice'

/** Every two hours, as the team's cron did; the warehouse itself is rebuilt every night. */
const timing = { every: '2h', late: '30m', sourceEvery: '1d' } as const
const guard = { minRows: 1, maxShrink: 0.5 } as const

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
})
