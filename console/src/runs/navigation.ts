import { IconPlayerPlay } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const runNavigation: NavigationEntry = {
  label: 'Runs',
  to: '/runs',
  icon: IconPlayerPlay,
  key: 'r',
  group: 'watch',
  words: ['log', 'history', 'failed', 'retry', 'cancel'],
}
