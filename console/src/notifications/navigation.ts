import { IconBell } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const notificationNavigation: NavigationEntry = {
  label: 'Notifications',
  to: '/notifications',
  icon: IconBell,
  key: 'n',
  group: 'manage',
  words: ['webhook', 'alert', 'delivery', 'test message', 'sent'],
}
