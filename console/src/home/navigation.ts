import { IconHome } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const homeNavigation: NavigationEntry = {
  label: 'Home',
  to: '/',
  icon: IconHome,
  key: 'h',
  group: 'watch',
  words: ['fresh', 'health'],
}
