import { IconCalendarTime } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const scheduleNavigation: NavigationEntry = {
  label: 'Schedules',
  to: '/schedules',
  icon: IconCalendarTime,
  key: 's',
  group: 'watch',
  words: ['cron', 'due', 'next', 'pause', 'missed', 'daylight saving'],
}
