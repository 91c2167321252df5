import { IconTable } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const dataNavigation: NavigationEntry = {
  label: 'Data',
  to: '/data',
  icon: IconTable,
  key: 'd',
  group: 'work',
  words: ['endpoint', 'table', 'rows', 'browse', 'curl'],
}
