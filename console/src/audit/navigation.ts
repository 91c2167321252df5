import { IconHistory } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const auditNavigation: NavigationEntry = {
  label: 'Audit',
  to: '/audit',
  icon: IconHistory,
  key: 'a',
  group: 'manage',
  role: 'admin',
  words: ['who', 'changed', 'change', 'before', 'after'],
}
