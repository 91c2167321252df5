import { IconHistory } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const backfillNavigation: NavigationEntry = {
  label: 'Backfills',
  to: '/backfills',
  icon: IconHistory,
  key: 'b',
  group: 'work',
  words: ['redo', 'range', 'slices', 'past'],
}
