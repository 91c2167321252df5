import { accessNavigation } from './access/navigation.ts'
import { auditNavigation } from './audit/navigation.ts'
import { backfillNavigation } from './backfills/navigation.ts'
import { dataNavigation } from './data/navigation.ts'
import { doctorNavigation } from './doctor/navigation.ts'
import { editorNavigation } from './editor/navigation.ts'
import { flowNavigation } from './flows/navigation.ts'
import type { NavigationEntry } from './frame/page.ts'
import { homeNavigation } from './home/navigation.ts'
import { notificationNavigation } from './notifications/navigation.ts'
import { runNavigation } from './runs/navigation.ts'
import { scheduleNavigation } from './schedules/navigation.ts'
import { workerNavigation } from './workers/navigation.ts'

/** In the order in which they stand. */
export const navigation: readonly NavigationEntry[] = [
  homeNavigation,
  flowNavigation,
  runNavigation,
  scheduleNavigation,
  backfillNavigation,
  dataNavigation,
  editorNavigation,
  workerNavigation,
  notificationNavigation,
  doctorNavigation,
  accessNavigation,
  auditNavigation,
]
