import { IconArrowsSplit2 } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const flowNavigation: NavigationEntry = {
  label: 'Flows',
  to: '/flows',
  icon: IconArrowsSplit2,
  key: 'f',
  group: 'watch',
  words: ['sync', 'table', 'state'],
}
