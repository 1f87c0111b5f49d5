import { config } from 'zod'

// Imported before any schema is made: the page's content policy forbids what zod would compile.
config({ jitless: true })
