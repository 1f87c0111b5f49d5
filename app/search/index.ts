export { Catalogue } from './catalogue.ts'
export type { CatalogueEntry, CataloguePage, CatalogueQuery, MediaKind } from './catalogue.ts'
