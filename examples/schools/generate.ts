/**
 * Fills the warehouse with the three source tables of the schools team, at their real size and with their faults: no natural
 * key, weeks that begin late and end early, teachers who miss weeks, lessons that were never planned (`max_classes` 0),
 * more lessons started than planned, schools without a teacher. The same seed gives the same rows.
 *
 *     npx node generate.ts            writes .sluice/warehouse.duckdb
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DuckDBDateValue, DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { firstNames, grades, lastNames, schoolKinds, sectors, subjects } from './names.ts'

export interface School {
  readonly emis: string
  readonly institute: string
  readonly sector: string
}
export interface Teacher {
  readonly id: number
  readonly name: string
  readonly emis: string
}
/** One class of one teacher in one week. The table names no class section, so equal rows are real. */
export interface Week {
  readonly teacher: number
  readonly started: number
  readonly classes: number
  /** Days since 1970-01-01. */
  readonly start: number
  readonly end: number
  readonly grade: string
  readonly subject: string
}
export interface Source {
  readonly schools: readonly School[]
  readonly teachers: readonly Teacher[]
  readonly weeks: readonly Week[]
}

const schoolCount = 341
const weekCount = 12
/** Sunday, 10 August 2025: in the system these rows come from, weeks begin on Sunday. */
const firstSunday = Date.UTC(2025, 7, 10) / 86_400_000

/** mulberry32: small, and the same on every machine. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

export function generate(seed = 1): Source {
  const roll = dice(seed)
  const pick = (from: readonly string[]): string => from[roll(from.length)] ?? ''
  const schools: School[] = Array.from({ length: schoolCount }, (_, n) => ({
    emis: String(100 + n),
    institute: `${pick(schoolKinds)} ${'EFGHI'.charAt(roll(5))}-${5 + roll(12)}/${1 + roll(4)} No. ${n + 1}`,
    sector: sectors[n % sectors.length] ?? '',
  }))
  const teachers: Teacher[] = []
  const weeks: Week[] = []
  for (const [n, { emis }] of schools.entries()) {
    // Every hundredth school has a register entry and nobody in it.
    const staff = n % 100 === 99 ? 0 : 2 + roll(4)
    for (let i = 0; i < staff; i += 1) {
      const teacher = { id: 5000 + teachers.length, name: `${pick(firstNames)} ${pick(lastNames)}`, emis }
      teachers.push(teacher)
      weeks.push(...weeksOf(teacher.id, roll, pick))
    }
  }
  return { schools, teachers, weeks }
}

function weeksOf(teacher: number, roll: (sides: number) => number, pick: (from: readonly string[]) => string): Week[] {
  const classes = Array.from({ length: 1 + roll(2) }, () => ({ grade: pick(grades), subject: pick(subjects) }))
  // One in six teaches two sections of one class: rows that differ in nothing.
  if (roll(6) === 0 && classes[0] !== undefined) classes.push(classes[0])
  const weeks: Week[] = []
  for (let week = 0; week < weekCount; week += 1) {
    if (roll(12) === 0) continue
    const sunday = firstSunday + 7 * week
    // The term begins on a Wednesday, Eid cuts a week short, and some schools open on Monday.
    const start = sunday + (week === 0 ? 3 : roll(5) === 0 ? 1 : 0)
    const end = sunday + (week === 5 ? 3 : 6)
    for (const { grade, subject } of classes) {
      const planned = roll(25) === 0 ? 0 : 4 + roll(6)
      weeks.push({ teacher, started: roll(planned + 3), classes: planned, start, end, grade, subject })
    }
  }
  return weeks
}

const tables = `
create schema if not exists tbproddb;
create or replace table tbproddb."FDE_Schools" ("EMIS" varchar, "Institute" varchar, "Sector" varchar);
create or replace table tbproddb.user_school_profiles (user_id integer, user_name varchar, emis_1 varchar);
create or replace table tbproddb."weekly_time_table_NF" (
  user_id integer, lp_started integer, max_classes integer, week_start date, week_end date, grade_assigned varchar, subject_assigned varchar
);
`

/** Replaces the three tables in one transaction. */
export async function write(connection: DuckDBConnection, source: Source): Promise<void> {
  await connection.run('begin')
  await connection.run(tables)
  const schools = await connection.createAppender('FDE_Schools', 'tbproddb')
  for (const { emis, institute, sector } of source.schools) {
    for (const text of [emis, institute, sector]) schools.appendVarchar(text)
    schools.endRow()
  }
  schools.closeSync()
  const teachers = await connection.createAppender('user_school_profiles', 'tbproddb')
  for (const { id, name, emis } of source.teachers) {
    teachers.appendInteger(id)
    teachers.appendVarchar(name)
    teachers.appendVarchar(emis)
    teachers.endRow()
  }
  teachers.closeSync()
  const weeks = await connection.createAppender('weekly_time_table_NF', 'tbproddb')
  for (const { teacher, started, classes, start, end, grade, subject } of source.weeks) {
    for (const number of [teacher, started, classes]) weeks.appendInteger(number)
    for (const day of [start, end]) weeks.appendDate(new DuckDBDateValue(day))
    for (const text of [grade, subject]) weeks.appendVarchar(text)
    weeks.endRow()
  }
  weeks.closeSync()
  await connection.run('commit')
}

/** Writes the warehouse file of a folder, as Sluice looks for it there. */
export async function fill(directory: string, source: Source = generate()): Promise<void> {
  const path = join(directory, '.sluice', 'warehouse.duckdb')
  mkdirSync(dirname(path), { recursive: true })
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  try {
    await write(connection, source)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

if (import.meta.main) {
  const source = generate()
  await fill(import.meta.dirname, source)
  console.log(
    `${source.schools.length} schools, ${source.teachers.length} teachers, ${source.weeks.length} rows of the timetable`,
  )
}
