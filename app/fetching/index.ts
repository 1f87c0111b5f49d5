export { formatLink, parseLink, type LinkKind, type LinkParts, type ParsedLink } from './link.ts'
