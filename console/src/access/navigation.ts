import { IconKey } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const accessNavigation: NavigationEntry = {
  label: 'Tokens, people',
  to: '/access',
  icon: IconKey,
  key: 't',
  group: 'manage',
  role: 'admin',
  words: ['token', 'people', 'person', 'role', 'claims', 'admin', 'sign-in link', 'revoke'],
}
