import { IconPencilPlus } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const editorNavigation: NavigationEntry = {
  label: 'New flow',
  to: '/editor',
  icon: IconPencilPlus,
  group: 'work',
  role: 'admin',
  words: ['make', 'create', 'sync', 'edit'],
}
