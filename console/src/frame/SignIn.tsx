import { Button, Card, Center, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { signIn } from '../client/session.ts'
import type { Credentials } from '../client/model/credentials.ts'
import { Command } from './Command.tsx'
import { ErrorPanel } from './ErrorPanel.tsx'
import { forget } from './session.ts'

const route = getRouteApi('/sign-in')

/** By the link that `sluice up` prints, or by a token. */
export function SignIn() {
  const { to = '/', code } = route.useSearch()
  const router = useRouter()
  const [token, setToken] = useState('')
  const tried = useRef(false)
  const { mutate, error, isPending } = useMutation({
    meta: { quiet: true },
    mutationFn: (body: Credentials) => signIn(body),
    onSuccess: () => {
      forget()
      router.history.replace(to)
    },
  })
  useEffect(() => {
    document.title = 'Sign in · Sluice'
    // A link counts once: not again when React draws twice.
    if (code === undefined || tried.current) return
    tried.current = true
    // Out of the address, so that neither history nor a screenshot has it.
    router.history.replace('/sign-in')
    mutate({ code })
  }, [code, mutate, router])
  return (
    <Center component="main" mih="100dvh" p="md" bg="var(--sluice-sunken)">
      <Card withBorder radius="lg" padding="xl" w="100%" maw={440}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            mutate({ token: token.trim() })
          }}
        >
          <Stack gap="md">
            <img src="/favicon.svg" width={36} height={36} alt="" />
            <Title order={1} size="h3">
              Sign in to Sluice
            </Title>
            {error !== null && <ErrorPanel error={error} />}
            <PasswordInput
              label="Token"
              description="A token of Sluice: it begins with slc_"
              value={token}
              autoComplete="current-password"
              onChange={(event) => setToken(event.currentTarget.value)}
            />
            <Button type="submit" loading={isPending} disabled={token.trim() === ''}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              No token? <code>sluice up</code> prints a link that signs in once; a token is made by
            </Text>
            <Command text="sluice token create --name me --role admin" />
          </Stack>
        </form>
      </Card>
    </Center>
  )
}
