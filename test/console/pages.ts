/** Every page of the console, as the project of school.ts shows it. */

import type { Furnished } from './furnish.ts'

export interface PageToOpen {
  readonly name: string
  readonly path: string
  /** What is on it when it is whole. */
  readonly shows: string | RegExp
}

/** `ids`: of what is there. */
export function pagesOf(ids: Furnished): readonly PageToOpen[] {
  const bucket = new URLSearchParams({ tab: 'slices', slice: ids.slice, bucket: ids.bucket }).toString()
  return [
    { name: 'home', path: '/', shows: 'Home' },
    { name: 'flows', path: '/flows', shows: 'teachers' },
    ...['overview', 'slices', 'runs', 'rows', 'schema', 'config'].map((tab) => ({
      name: `flow-${tab}`,
      path: `/flows/teachers?tab=${tab}`,
      shows: 'teachers',
    })),
    { name: 'calendar', path: '/flows/census?tab=slices', shows: 'Europe/Berlin' },
    { name: 'rollup-grains', path: '/flows/visits?tab=grains', shows: 'What is made of what' },
    { name: 'rollup-bucket', path: `/flows/visits?${bucket}`, shows: 'raw' },
    { name: 'rollup-years', path: '/flows/visits?tab=slices&grain=year', shows: '2000 to 2099' },
    { name: 'rollup-chart', path: '/flows/visits?tab=chart&by=site', shows: 'visits by day' },
    { name: 'rollup-backfill', path: '/backfills/new?flow=visits&grain=day', shows: 'every grain' },
    { name: 'runs', path: '/runs', shows: 'teachers' },
    { name: 'run', path: `/runs/${ids.run}`, shows: 'succeeded' },
    { name: 'run-failed', path: `/runs/${ids.failed}`, shows: 'Fix' },
    { name: 'schedules', path: '/schedules', shows: 'teachers' },
    { name: 'schedule', path: '/schedules?flow=teachers', shows: 'Europe/Berlin' },
    { name: 'backfills', path: '/backfills', shows: 'Backfills' },
    { name: 'backfill-new', path: '/backfills/new?flow=teachers', shows: 'teachers' },
    { name: 'backfill', path: `/backfills/${ids.backfill}`, shows: 'all' },
    { name: 'data', path: '/data', shows: 'teachers' },
    { name: 'editor', path: '/editor', shows: 'New flow' },
    { name: 'editor-rollup', path: '/editor?kind=rollup', shows: 'Time column' },
    { name: 'editor-of-config', path: '/editor/teachers', shows: 'It is defined in the config file' },
    { name: 'workers', path: '/workers', shows: 'scheduler' },
    { name: 'notifications', path: '/notifications', shows: 'notify[0]' },
    { name: 'doctor', path: '/doctor', shows: /\d+ problems?/ },
    { name: 'tokens', path: '/access?tab=tokens', shows: 'Tokens' },
    { name: 'people', path: '/access?tab=people', shows: 'People' },
    { name: 'audit', path: '/audit', shows: 'Audit' },
    { name: 'nowhere', path: '/nowhere', shows: 'There is no such page' },
  ]
}
