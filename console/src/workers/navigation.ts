import { IconEngine } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const workerNavigation: NavigationEntry = {
  label: 'Workers',
  to: '/workers',
  icon: IconEngine,
  key: 'w',
  group: 'manage',
  words: ['queue', 'process', 'scheduler', 'alive', 'host'],
}
