/** Every resource of the API, one line each. */
import { analytics } from './analytics.ts'
import { auditLog } from './audit.ts'
import { backfills } from './backfills.ts'
import { data } from './data.ts'
import { dataSync } from './data-sync.ts'
import { doctor } from './doctor.ts'
import { events } from './events.ts'
import { flowActions } from './flow-actions.ts'
import { flowViews } from './flow-views.ts'
import { flows } from './flows.ts'
import { health } from './health.ts'
import { homePage } from './home.ts'
import { kinds } from './kinds.ts'
import { lineage } from './lineage.ts'
import { metrics } from './metrics.ts'
import { notifications } from './notifications.ts'
import { occurrences } from './occurrences.ts'
import { principals } from './principals.ts'
import type { Resource } from './route.ts'
import { tableRows } from './rows.ts'
import { rollups } from './rollups.ts'
import { runLog } from './run-log.ts'
import { runs } from './runs.ts'
import { schedules } from './schedules.ts'
import { seriesOf } from './series.ts'
import { sessions } from './session.ts'
import { slices } from './slices.ts'
import { stores } from './stores.ts'
import { tokens } from './tokens.ts'
import { verifications } from './verifications.ts'
import { workers } from './workers.ts'

export const resources: readonly Resource[] = [
  health,
  metrics,
  homePage,
  flows,
  flowActions,
  flowViews,
  slices,
  verifications,
  rollups,
  tableRows,
  seriesOf,
  runs,
  runLog,
  backfills,
  schedules,
  occurrences,
  kinds,
  lineage,
  dataSync,
  analytics,
  workers,
  notifications,
  stores,
  doctor,
  events,
  sessions,
  principals,
  tokens,
  auditLog,
  // The last: what its config names must not be taken.
  data,
]
